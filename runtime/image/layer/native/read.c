/* A directory as entries: sorted by name, directories before what is in them, content behind its file. Links are never followed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "inodes.h"
#include "tree.h"

enum { PIECE = 1 << 17, LARGEST_XATTR = 1 << 16 };

struct walk {
  char path[PATH_MAX]; /* of the entry at work; "" for the tree itself */
  char target[PATH_MAX];
  char names[LARGEST_XATTR], value[LARGEST_XATTR];
  uint8_t piece[PIECE];
};

struct listing {
  char **names;
  size_t count;
};

static void read_children(struct walk *walk, int directory);
static struct listing list(struct walk *walk, int directory);
static void close_directory(DIR **directory);
static int by_bytes(const void *left, const void *right);
static void read_entry(struct walk *walk, int parent, const char *name);
static void tell(struct walk *walk, int parent, const char *name, const struct stat *found);
static uint32_t tell_xattrs(struct walk *walk, const char *name);
static void read_file(struct walk *walk, int parent, const char *name);
static void read_content(struct walk *walk, int fd, uint64_t size);

void read_tree(void) {
  static struct walk walk;
  struct stat found;
  if (fstat(TREE, &found) < 0) fail("fstat", "", "");
  tell(&walk, TREE, ".", &found);
  read_children(&walk, TREE);
  put_end();
}

static void read_children(struct walk *walk, int directory) {
  struct listing listing = list(walk, directory);
  size_t length = strlen(walk->path);
  for (size_t i = 0; i < listing.count; i++) {
    int fits = snprintf(walk->path + length, sizeof walk->path - length, "%s%s", length == 0 ? "" : "/", listing.names[i]);
    if (fits < 0 || length + (size_t)fits >= sizeof walk->path) errno = ENAMETOOLONG, fail("openat", walk->path, "");
    read_entry(walk, directory, listing.names[i]);
    walk->path[length] = 0;
    free(listing.names[i]);
  }
  free(listing.names);
}

static struct listing list(struct walk *walk, int directory) {
  struct listing listing = {0};
  size_t room = 0;
  int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail("openat", walk->path, "");
  __attribute__((cleanup(close_directory))) DIR *open_directory = fdopendir(fd);
  if (open_directory == NULL) fail("fdopendir", walk->path, "");
  for (;;) {
    errno = 0;
    struct dirent *next = readdir(open_directory);
    if (next == NULL && errno != 0) fail("getdents64", walk->path, "");
    if (next == NULL) break;
    if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0) continue;
    if (listing.count == room) {
      room = room * 2 + 64;
      listing.names = realloc(listing.names, room * sizeof *listing.names);
      if (listing.names == NULL) fail("malloc", walk->path, "");
    }
    if ((listing.names[listing.count++] = strdup(next->d_name)) == NULL) fail("malloc", walk->path, "");
  }
  if (listing.count > 1) qsort(listing.names, listing.count, sizeof *listing.names, by_bytes);
  return listing;
}

static void close_directory(DIR **directory) {
  if (*directory != NULL) closedir(*directory);
}

static int by_bytes(const void *left, const void *right) { return strcmp(*(char *const *)left, *(char *const *)right); }

static void read_entry(struct walk *walk, int parent, const char *name) {
  struct stat found;
  if (fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) < 0) fail("fstatat", walk->path, "");
  if (S_ISREG(found.st_mode)) return read_file(walk, parent, name);
  if (!S_ISDIR(found.st_mode)) return tell(walk, parent, name, &found);
  AUTO_CLOSE int directory = open_below(parent, name, O_RDONLY | O_DIRECTORY);
  if (directory < 0) fail("openat2", walk->path, "");
  if (fstat(directory, &found) < 0) fail("fstat", walk->path, "");
  tell(walk, parent, name, &found);
  read_children(walk, directory);
}

static void tell(struct walk *walk, int parent, const char *name, const struct stat *found) {
  struct entry entry = {
    .mode = found->st_mode,
    .uid = found->st_uid,
    .gid = found->st_gid,
    .major = major(found->st_rdev),
    .minor = minor(found->st_rdev),
    .seconds = found->st_mtim.tv_sec,
    .nanoseconds = (uint32_t)found->st_mtim.tv_nsec,
    .size = S_ISREG(found->st_mode) ? (uint64_t)found->st_size : 0,
    .path = walk->path,
    .target = walk->target,
  };
  walk->target[0] = 0;
  if (S_ISLNK(found->st_mode)) {
    ssize_t length = readlinkat(parent, name, walk->target, sizeof walk->target - 1);
    if (length < 0) fail("readlinkat", walk->path, "");
    walk->target[length] = 0;
  }
  if (found->st_nlink > 1 && !S_ISDIR(found->st_mode)) {
    bool seen;
    entry.inode = number_of_inode(found->st_dev, found->st_ino, &seen);
    if (entry.inode == 0) fail("malloc", walk->path, "");
    if (seen) entry.flags = FLAG_SEEN;
  }
  if (fchdir(parent) < 0) fail("fchdir", walk->path, "");
  put_entry(RECORD_FILE, &entry);
  end_entry(tell_xattrs(walk, name));
}

/* No such call is relative to a descriptor before Linux 6.13: the parent is the working directory. */
static uint32_t tell_xattrs(struct walk *walk, const char *name) {
  ssize_t length = llistxattr(name, walk->names, sizeof walk->names);
  if (length < 0 && errno == ENOTSUP) return 0;
  if (length < 0) fail("llistxattr", walk->path, "");
  uint32_t count = 0;
  for (const char *xattr = walk->names; xattr < walk->names + length; xattr += strlen(xattr) + 1, count++) {
    ssize_t size = lgetxattr(name, xattr, walk->value, sizeof walk->value);
    if (size < 0) fail("lgetxattr", walk->path, xattr);
    put_xattr(xattr, walk->value, (uint32_t)size);
  }
  return count;
}

/* O_NONBLOCK: a name that has become a fifo meanwhile must not hold us up; it is then refused. */
static void read_file(struct walk *walk, int parent, const char *name) {
  struct stat found;
  AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("openat", walk->path, "");
  if (fstat(fd, &found) < 0) fail("fstat", walk->path, "");
  if (!S_ISREG(found.st_mode)) errno = ESTALE, fail("openat", walk->path, "");
  bool further = found.st_nlink > 1 && is_numbered(found.st_dev, found.st_ino);
  tell(walk, parent, name, &found);
  if (!further) read_content(walk, fd, (uint64_t)found.st_size);
}

static void read_content(struct walk *walk, int fd, uint64_t size) {
  for (uint64_t offset = 0; offset < size;) {
    size_t wanted = size - offset < PIECE ? (size_t)(size - offset) : PIECE;
    ssize_t got = read(fd, walk->piece, wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ESTALE; /* it has become shorter meanwhile */
    if (got <= 0) fail("read", walk->path, "");
    put_data(offset, walk->piece, (uint32_t)got);
    offset += (uint64_t)got;
  }
}

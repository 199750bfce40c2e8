#include "copy-up.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "mount-api.h"
#include "rootfs-path.h"

#define MAX_DEPTH 100 /* three descriptors a level */

/* One entry on its way: from a directory to a directory, under one name. */
struct entry {
  struct context *context;
  const char *path; /* the mount's destination, for messages */
  int from;
  int to;
  const char *name;
  unsigned depth;
  struct stat source;
};

static int copy_directory(const struct entry *parent, int from, int to);
static int copy_entry(struct entry *entry);
static int copy_subdirectory(struct entry *entry);
static int copy_file(struct entry *entry);
static int copy_content(int from, int to, off_t size);
static int copy_range(int from, int to, off_t start, off_t end);
static int copy_symlink(struct entry *entry);
static int copy_node(struct entry *entry);
static int copy_attributes(const struct entry *entry, int from, int to);
static int copy_xattrs(int from, int to);
static int refuse(const struct entry *entry, const char *syscall);

int copy_up(struct context *context, int from, int to, const char *path) {
  EXACT_MODES;
  struct entry top = {.context = context, .path = path, .name = "."};
  if (fstat(from, &top.source) < 0) return refuse(&top, "fstat");
  if (copy_directory(&top, from, to) < 0) return -1;
  return copy_attributes(&top, from, to);
}

static void close_directory(DIR **directory) {
  if (*directory != NULL) closedir(*directory);
}

static int copy_directory(const struct entry *parent, int from, int to) {
  if (parent->depth > MAX_DEPTH) return errno = ELOOP, refuse(parent, "openat");
  int listed = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listed < 0) return refuse(parent, "openat");
  __attribute__((cleanup(close_directory))) DIR *directory = fdopendir(listed);
  if (directory == NULL) return close(listed), refuse(parent, "fdopendir");
  for (;;) {
    errno = 0;
    struct dirent *next = readdir(directory);
    if (next == NULL) return errno == 0 ? 0 : refuse(parent, "getdents64");
    if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0) continue;
    struct entry entry = {.context = parent->context, .path = parent->path, .from = from, .to = to, .name = next->d_name, .depth = parent->depth + 1};
    if (copy_entry(&entry) < 0) return -1;
  }
}

static int copy_entry(struct entry *entry) {
  if (fstatat(entry->from, entry->name, &entry->source, AT_SYMLINK_NOFOLLOW) < 0) return refuse(entry, "fstatat");
  switch (entry->source.st_mode & S_IFMT) {
    case S_IFDIR: return copy_subdirectory(entry);
    case S_IFREG: return copy_file(entry);
    case S_IFLNK: return copy_symlink(entry);
    default: return copy_node(entry);
  }
}

/* What is mounted below stays out: its directory becomes an empty one. */
static int copy_subdirectory(struct entry *entry) {
  if (mkdirat(entry->to, entry->name, 0700) < 0) return refuse(entry, "mkdirat");
  AUTO_CLOSE int to = openat(entry->to, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0) return refuse(entry, "openat");
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
  AUTO_CLOSE int from = sys_openat2(entry->from, entry->name, how);
  if (from < 0 && errno != EXDEV) return refuse(entry, "openat2");
  if (from >= 0 && copy_directory(entry, from, to) < 0) return -1;
  return copy_attributes(entry, from, to);
}

/* O_NONBLOCK: a name that has become a fifo meanwhile must not hold us up; it is then refused. */
static int copy_file(struct entry *entry) {
  AUTO_CLOSE int from = openat(entry->from, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (from < 0) return refuse(entry, "openat");
  if (fstat(from, &entry->source) < 0) return refuse(entry, "fstat");
  if (!S_ISREG(entry->source.st_mode)) return errno = ELOOP, refuse(entry, "openat");
  AUTO_CLOSE int to = openat(entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0) return refuse(entry, "openat");
  if (copy_content(from, to, entry->source.st_size) < 0) return refuse(entry, "write");
  return copy_attributes(entry, from, to);
}

/* Holes stay holes: a sparse file of the image must not fill the tmpfs. */
static int copy_content(int from, int to, off_t size) {
  for (off_t at = 0; at < size;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
    if (hole < 0) return -1;
    if (copy_range(from, to, data, hole) < 0) return -1;
    at = hole;
  }
  return ftruncate(to, size);
}

static int copy_range(int from, int to, off_t start, off_t end) {
  char buffer[16384];
  if (lseek(from, start, SEEK_SET) < 0 || lseek(to, start, SEEK_SET) < 0) return -1;
  while (start < end) {
    size_t wanted = end - start < (off_t)sizeof buffer ? (size_t)(end - start) : sizeof buffer;
    ssize_t got = read(from, buffer, wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return (int)got; /* it has become shorter meanwhile */
    if (write_all(to, buffer, (size_t)got) < 0) return -1;
    start += got;
  }
  return 0;
}

static int copy_symlink(struct entry *entry) {
  char target[PATH_MAX];
  ssize_t length = readlinkat(entry->from, entry->name, target, sizeof target - 1);
  if (length < 0) return refuse(entry, "readlinkat");
  target[length] = 0;
  if (symlinkat(target, entry->to, entry->name) < 0) return refuse(entry, "symlinkat");
  return copy_attributes(entry, -1, -1);
}

static int copy_node(struct entry *entry) {
  if (mknodat(entry->to, entry->name, entry->source.st_mode, entry->source.st_rdev) < 0) return refuse(entry, "mknodat");
  return copy_attributes(entry, -1, -1);
}

/* Without descriptors, by name: nobody but us can reach the new tmpfs. The owner first, since chown takes setuid bits away. */
static int copy_attributes(const struct entry *entry, int from, int to) {
  const struct stat *source = &entry->source;
  struct timespec times[] = {source->st_atim, source->st_mtim};
  int directory = to >= 0 ? to : entry->to;
  const char *name = to >= 0 ? "" : entry->name;
  if (fchownat(directory, name, source->st_uid, source->st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return refuse(entry, "fchownat");
  if (to >= 0 && fchmod(to, source->st_mode & 07777) < 0) return refuse(entry, "fchmod");
  if (to < 0 && !S_ISLNK(source->st_mode) && fchmodat(directory, name, source->st_mode & 07777, 0) < 0) return refuse(entry, "fchmodat");
  if (from >= 0 && copy_xattrs(from, to) < 0) return refuse(entry, "fsetxattr");
  int dated = to >= 0 ? futimens(to, times) : utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW);
  return dated < 0 ? refuse(entry, "utimensat") : 0;
}

/* ENOTSUP: a tmpfs holds user.* since Linux 6.6 only. */
static int copy_xattrs(int from, int to) {
  char names[4096], value[4096];
  ssize_t length = flistxattr(from, names, sizeof names);
  if (length < 0) return errno == ENOTSUP ? 0 : -1;
  for (const char *name = names; name < names + length; name += strlen(name) + 1) {
    ssize_t size = fgetxattr(from, name, value, sizeof value);
    if (size < 0) return -1;
    if (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP) return -1;
  }
  return 0;
}

static int refuse(const struct entry *entry, const char *syscall) {
  return fail_detail(entry->context, errno, syscall, entry->path, "copying=%s", entry->name);
}

/*
 * Entries become files. Whoever wrote the archive is hostile: it may name what lies outside, pass through links of its own, or make and
 * replace the same name over and over. So a name is made only in a directory that was opened below the tree without following a link,
 * and made anew (O_EXCL, mkdir, link, symlink, mknod never follow); attributes are set by descriptor, or without following.
 */
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "tree.h"

struct unpack {
  int parent;                 /* of the last entry */
  char parent_path[PATH_MAX];
  bool parent_known;
  int file;                   /* the last entry, if it was a file that is not complete; else -1 */
  uint64_t written;           /* up to here */
  struct entry entry;         /* its attributes, in body */
  uint8_t *body;
  size_t room;
};

static void carry_out(struct unpack *unpack, const struct record *record);
static const char *find_parent(struct unpack *unpack, const char *path);
static bool make_room(struct unpack *unpack, const struct entry *entry, const char *name, bool *removed);
static void make_directory(struct unpack *unpack, const struct entry *entry);
static void make_file(struct unpack *unpack, const struct record *record);
static void write_data(struct unpack *unpack, const struct record *record);
static void complete_file(struct unpack *unpack);
static void make_link(struct unpack *unpack, const struct entry *entry);
static void make_symlink(struct unpack *unpack, const struct entry *entry);
static void make_node(struct unpack *unpack, const struct entry *entry);
static void attribute_directory(const struct entry *entry);

void unpack_tree(void) {
  struct unpack unpack = {.parent = -1, .file = -1};
  struct record record;
  for (;;) {
    if (!next_record(&record)) _exit(1); /* who knows why has gone, or knows it */
    if (record.type != RECORD_DATA) complete_file(&unpack);
    if (record.type == RECORD_END) break;
    carry_out(&unpack, &record);
  }
  close_descriptor(&unpack.parent);
  free(unpack.body);
}

static void carry_out(struct unpack *unpack, const struct record *record) {
  struct entry entry;
  if (record->type != RECORD_DATA) entry = decode_entry(record->body, record->length);
  switch ((enum record_type)record->type) {
    case RECORD_DIRECTORY: return make_directory(unpack, &entry);
    case RECORD_FILE: return make_file(unpack, record);
    case RECORD_HARD_LINK: return make_link(unpack, &entry);
    case RECORD_SYMLINK: return make_symlink(unpack, &entry);
    case RECORD_NODE: return make_node(unpack, &entry);
    case RECORD_ATTRIBUTES: return attribute_directory(&entry);
    case RECORD_DATA: return write_data(unpack, record);
    case RECORD_END: return;
  }
  errno = EPROTO;
  fail("read", "", "record");
}

/* Opens the directory that path is in, unless it was the last one's too; returns the name in it. */
static const char *find_parent(struct unpack *unpack, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  if (length >= sizeof unpack->parent_path) errno = ENAMETOOLONG, fail("openat2", path, "");
  if (*name == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) errno = EINVAL, fail("openat2", path, "");
  if (unpack->parent_known && strlen(unpack->parent_path) == length && memcmp(unpack->parent_path, path, length) == 0) return name;
  memcpy(unpack->parent_path, path, length);
  unpack->parent_path[length] = 0;
  close_descriptor(&unpack->parent);
  unpack->parent = open_below(TREE, length == 0 ? "." : unpack->parent_path, O_PATH | O_DIRECTORY);
  if (unpack->parent < 0) fail("openat2", path, "parent");
  unpack->parent_known = true;
  return name;
}

/* After EEXIST: true if another try is due. */
static bool make_room(struct unpack *unpack, const struct entry *entry, const char *name, bool *removed) {
  if (errno != EEXIST || (entry->flags & FLAG_REPLACE) == 0 || *removed) return false;
  if (remove_entry(unpack->parent, name) < 0) fail("unlinkat", entry->path, "");
  unpack->parent_known = false; /* what was open may be what was removed */
  *removed = true;
  return true;
}

/* Its attributes come when all is in it. A directory that is there stays. */
static void make_directory(struct unpack *unpack, const struct entry *entry) {
  const char *name = find_parent(unpack, entry->path);
  struct stat found;
  bool removed = false;
  while (mkdirat(unpack->parent, name, 0700) < 0) {
    int error = errno;
    if (error == EEXIST && fstatat(unpack->parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode)) return;
    errno = error;
    if (!make_room(unpack, entry, name, &removed)) fail("mkdirat", entry->path, "");
  }
}

static void make_file(struct unpack *unpack, const struct record *record) {
  if (record->length > unpack->room) {
    unpack->room = record->length;
    unpack->body = realloc(unpack->body, unpack->room);
    if (unpack->body == NULL) fail("malloc", "", "");
  }
  memcpy(unpack->body, record->body, record->length);
  unpack->entry = decode_entry(unpack->body, record->length);
  unpack->written = 0;
  const char *name = find_parent(unpack, unpack->entry.path);
  bool removed = false;
  do unpack->file = openat(unpack->parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  while (unpack->file < 0 && make_room(unpack, &unpack->entry, name, &removed));
  if (unpack->file < 0) fail("openat", unpack->entry.path, "");
}

static void write_data(struct unpack *unpack, const struct record *record) {
  uint64_t offset;
  if (record->length < sizeof offset || unpack->file < 0) errno = EPROTO, fail("read", "", "record");
  memcpy(&offset, record->body, sizeof offset);
  const uint8_t *bytes = record->body + sizeof offset, *end = record->body + record->length;
  while (bytes < end) {
    ssize_t written = pwrite(unpack->file, bytes, (size_t)(end - bytes), (off_t)offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("pwrite", unpack->entry.path, "");
    bytes += written;
    offset += (uint64_t)written;
  }
  unpack->written = offset;
}

/* The attributes come last: writing takes setuid bits and capabilities away, and changes the time. */
static void complete_file(struct unpack *unpack) {
  if (unpack->file < 0) return;
  if (unpack->written != unpack->entry.size && ftruncate(unpack->file, (off_t)unpack->entry.size) < 0) fail("ftruncate", unpack->entry.path, "");
  set_attributes(&unpack->entry, unpack->file, -1, "");
  int error = close(unpack->file);
  unpack->file = -1;
  if (error < 0 && errno != EINTR) fail("close", unpack->entry.path, "");
}

/* A name that is already one of the same file stays: removing it first could remove the last. */
static void make_link(struct unpack *unpack, const struct entry *entry) {
  const char *slash = strrchr(entry->target, '/');
  char directory[PATH_MAX] = ".";
  size_t length = slash == NULL ? 0 : (size_t)(slash - entry->target);
  if (length >= sizeof directory) errno = ENAMETOOLONG, fail("openat2", entry->path, "target");
  if (length > 0) memcpy(directory, entry->target, length), directory[length] = 0;
  const char *from = slash == NULL ? entry->target : slash + 1;
  AUTO_CLOSE int parent = open_below(TREE, directory, O_PATH | O_DIRECTORY);
  struct stat source, found;
  if (parent < 0 || fstatat(parent, from, &source, AT_SYMLINK_NOFOLLOW) < 0) fail("linkat", entry->path, "target");
  const char *name = find_parent(unpack, entry->path);
  bool removed = false;
  while (linkat(parent, from, unpack->parent, name, 0) < 0) {
    int error = errno;
    if (error == EEXIST && fstatat(unpack->parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_ino == source.st_ino) return;
    errno = error;
    if (!make_room(unpack, entry, name, &removed)) fail("linkat", entry->path, "");
  }
}

static void make_symlink(struct unpack *unpack, const struct entry *entry) {
  const char *name = find_parent(unpack, entry->path);
  bool removed = false;
  while (symlinkat(entry->target, unpack->parent, name) < 0)
    if (!make_room(unpack, entry, name, &removed)) fail("symlinkat", entry->path, "");
  set_attributes(entry, -1, unpack->parent, name);
}

static void make_node(struct unpack *unpack, const struct entry *entry) {
  const char *name = find_parent(unpack, entry->path);
  bool removed = false;
  while (mknodat(unpack->parent, name, entry->mode, makedev(entry->major, entry->minor)) < 0) {
    if (errno == EEXIST && (entry->flags & FLAG_KEEP) != 0) return;
    if (!make_room(unpack, entry, name, &removed)) fail("mknodat", entry->path, "");
  }
  set_attributes(entry, -1, unpack->parent, name);
}

static void attribute_directory(const struct entry *entry) {
  AUTO_CLOSE int directory = open_below(TREE, *entry->path == 0 ? "." : entry->path, O_RDONLY | O_DIRECTORY);
  if (directory < 0) fail("openat2", entry->path, "");
  set_attributes(entry, directory, -1, "");
}

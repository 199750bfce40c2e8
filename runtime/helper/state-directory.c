/* The state directory of a container: root/id, 0700, ours alone, locked by who changes it. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "entries.h"
#include "krun.h"
#include "other-process.h"
#include "rules.h"
#include "state-directory.h"

#define LOCK_STEP 2 /* milliseconds */
#define MAX_TRIES 100

static int make_parents(const char *path);
static int make_private(int parent, const char *name);
static int make_entry(struct context *context, int root, const char *id);
static int lock(struct context *context, int root, int directory, const char *id, int patience);
static int write_file(int directory, const char *temporary, const struct bytes *content);
static int remove_unopened(struct context *context, int root, const char *id);
static int remove_directory(struct context *context, int root, int directory, const char *id);
static int remove_files(int directory);

int op_create_state_directory(struct context *context, const struct op_create_state_directory *op) {
  if (!is_plain_name(op->id)) return fail_with(context, EINVAL, "mkdirat", op->id);
  AUTO_CLOSE int root = open_root_directory(op->path);
  if (root < 0 && errno == ENOENT && make_parents(op->path) == 0) root = open_root_directory(op->path);
  if (root < 0) return fail(context, "open", op->path);
  AUTO_CLOSE int directory = make_entry(context, root, op->id);
  return directory < 0 ? -1 : slot_store(context, op->directory, steal_fd(&directory));
}

/* Until it is locked, `gc` may take it for what a crash has left, and remove it: then once more. */
static int make_entry(struct context *context, int root, const char *id) {
  for (int tries = 0;; tries++) {
    if (make_private(root, id) < 0) return fail(context, "mkdirat", id);
    test_point("state-made");
    AUTO_CLOSE int directory = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (directory < 0 && errno != ENOENT) return fail(context, "openat", id);
    if (directory >= 0 && wait_for_lock(directory, LOCK_PATIENCE) < 0) return fail_detail(context, errno, "flock", id, "locked");
    int same = directory < 0 ? 0 : is_same(root, id, directory);
    if (same > 0) return steal_fd(&directory);
    if (same < 0 || tries == MAX_TRIES) return fail_with(context, EAGAIN, "fstatat", id);
  }
}

int op_open_state_directory(struct context *context, const struct op_open_state_directory *op) {
  if (!is_plain_name(op->id)) return fail_with(context, EINVAL, "openat", op->id);
  AUTO_CLOSE int root = open_root_directory(op->path);
  if (root < 0) return fail(context, "open", op->path);
  AUTO_CLOSE int directory = open_entry(context, root, op->id);
  if (directory < 0) return -1;
  if (op->lock && lock(context, root, directory, op->id, LOCK_PATIENCE) < 0) return -1;
  return slot_store(context, op->directory, steal_fd(&directory));
}

/* Whose lock it is to be a supervisor: it goes with the process. */
int op_open_service_directory(struct context *context, const struct op_open_service_directory *op) {
  if (!is_plain_name(op->name)) return fail_with(context, EINVAL, "mkdirat", op->name);
  AUTO_CLOSE int root = open_root_directory(op->path);
  if (root < 0 && errno == ENOENT && make_parents(op->path) == 0) root = open_root_directory(op->path);
  if (root < 0) return fail(context, "open", op->path);
  if (make_private(root, op->name) < 0 && errno != EEXIST) return fail(context, "mkdirat", op->name);
  AUTO_CLOSE int directory = open_entry(context, root, op->name);
  if (directory < 0 || lock(context, root, directory, op->name, 0) < 0) return -1;
  return slot_store(context, op->directory, steal_fd(&directory));
}

int op_write_state_file(struct context *context, const struct op_write_state_file *op) {
  char temporary[NAME_MAX + 1];
  int directory = slot_fd(context, op->directory);
  if (directory < 0) return -1;
  if (!is_plain_name(op->name) || strlen(op->name) > NAME_MAX - 5) return fail_with(context, EINVAL, "openat", op->name);
  snprintf(temporary, sizeof temporary, ".%s.new", op->name);
  if (unlinkat(directory, temporary, 0) < 0 && errno != ENOENT) return fail(context, "unlinkat", temporary);
  if (write_file(directory, temporary, &op->content) < 0) return fail(context, "openat", temporary);
  if (renameat(directory, temporary, directory, op->name) == 0) return 0;
  (void)fail(context, "renameat", op->name);
  (void)unlinkat(directory, temporary, 0);
  return -1;
}

int op_record_init(struct context *context, const struct op_record_init *op) {
  uint64_t start;
  char text[64];
  if (context->init <= 0) return fail_with(context, ESRCH, "recordInit", "");
  if (read_start_time(context->init, &start) < 0) return fail_detail(context, errno, "open", "/proc", "pid=%d", context->init);
  int length = snprintf(text, sizeof text, "%d %llu", context->init, (unsigned long long)start);
  struct op_write_state_file file = {
      .directory = op->directory,
      .name = op->name,
      .content = {.data = (const uint8_t *)text, .length = (uint32_t)length},
  };
  return op_write_state_file(context, &file);
}

int op_rename_state_file(struct context *context, const struct op_rename_state_file *op) {
  int directory = slot_fd(context, op->directory);
  if (directory < 0) return -1;
  if (!is_plain_name(op->from) || !is_plain_name(op->to)) return fail_with(context, EINVAL, "renameat", op->from);
  return renameat(directory, op->from, directory, op->to) < 0 ? fail(context, "renameat", op->from) : 0;
}

/* What the slot holds is removed, not what meanwhile has its name. Without a slot the directory is opened and locked here. */
int op_remove_state_directory(struct context *context, const struct op_remove_state_directory *op) {
  if (!is_plain_name(op->id)) return fail_with(context, EINVAL, "unlinkat", op->id);
  if (op->directory != NO_SLOT && slot_empty(context, op->directory)) return 0;
  AUTO_CLOSE int root = open_root_directory(op->path);
  if (root < 0) return errno == ENOENT ? 0 : fail(context, "open", op->path);
  if (op->directory != NO_SLOT) return remove_directory(context, root, context->slots[op->directory], op->id);
  return remove_unopened(context, root, op->id);
}

/* Who had it locked, such as the helper of a container that has just been killed, may have removed it meanwhile. */
static int remove_unopened(struct context *context, int root, const char *id) {
  if (faccessat(root, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) return 0;
  AUTO_CLOSE int directory = open_entry(context, root, id);
  if (directory < 0) return -1;
  if (wait_for_lock(directory, LOCK_PATIENCE) < 0) return fail_detail(context, errno, "flock", id, "locked");
  return remove_directory(context, root, directory, id);
}

static int remove_directory(struct context *context, int root, int directory, const char *id) {
  int same = is_same(root, id, directory);
  if (same < 0) return fail(context, "fstatat", id);
  if (same == 0) return 0;
  for (int tries = 0; tries < 100; tries++) { /* an `update` may write one more file meanwhile */
    if (remove_files(directory) < 0) return fail(context, "unlinkat", id);
    if (unlinkat(root, id, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
    if (errno != ENOTEMPTY) break;
  }
  return fail(context, "unlinkat", id);
}

/* The rule for ids in config (E_BAD_ID) once more: a slash or ".." would leave the directory. */
bool is_plain_name(const char *name) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-";
  size_t length = strlen(name);
  if (!RULE(STATE_NAMES)) return true;
  if (length == 0 || length > NAME_MAX || strspn(name, letters) != length) return false;
  return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/*
 * The root is the caller's choice and may be reached through links, but nobody else may be able to exchange what is in it: it
 * belongs to us or to root, and others write to it only under a sticky bit.
 */
int open_root_directory(const char *path) {
  struct stat status;
  AUTO_CLOSE int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || fstat(root, &status) < 0) return -1;
  bool others_write = (status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0;
  if (!RULE(STATE_PRIVATE) || ((status.st_uid == geteuid() || status.st_uid == 0) && !others_write)) return steal_fd(&root);
  errno = EPERM;
  return -1;
}

static int make_parents(const char *path) {
  char text[PATH_MAX];
  if (strlen(path) >= sizeof text) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(text, path);
  for (char *at = text + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
    *at = '\0';
    if (make_private(AT_FDCWD, text) < 0 && errno != EEXIST) return -1;
  }
  return make_private(AT_FDCWD, text) < 0 && errno != EEXIST ? -1 : 0;
}

/* 0700 whatever the caller's umask. */
static int make_private(int parent, const char *name) {
  mode_t mask = umask(0);
  int result = mkdirat(parent, name, RULE(STATE_PRIVATE) ? 0700 : 0755);
  umask(mask);
  return result;
}

/* Never through a link, and never one that others can look into or own. */
int open_entry(struct context *context, int root, const char *id) {
  struct stat status;
  AUTO_CLOSE int directory = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (RULE(STATE_NAMES) ? O_NOFOLLOW : 0));
  if (directory < 0) return fail(context, "openat", id);
  if (fstat(directory, &status) < 0) return fail(context, "fstat", id);
  if (RULE(STATE_PRIVATE) && (status.st_uid != geteuid() || (status.st_mode & 077) != 0))
    return fail_detail(context, EPERM, "fstat", id, "owner=%u mode=%o", status.st_uid, status.st_mode & 07777);
  return steal_fd(&directory);
}

/* A lock on a directory that its last holder has removed is worth nothing. */
static int lock(struct context *context, int root, int directory, const char *id, int patience) {
  if (wait_for_lock(directory, patience) < 0) return fail_detail(context, errno, "flock", id, "locked");
  int same = is_same(root, id, directory);
  if (same < 0) return fail(context, "fstatat", id);
  return same ? 0 : fail_with(context, ENOENT, "openat", id);
}

int wait_for_lock(int directory, int patience) {
  for (int waited = 0; flock(directory, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP) {
    if (errno != EWOULDBLOCK || waited >= patience) return -1;
    (void)poll(NULL, 0, LOCK_STEP);
  }
  return 0;
}

int is_same(int parent, const char *name, int directory) {
  struct stat named, opened;
  if (fstat(directory, &opened) < 0) return -1;
  if (fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT ? 0 : -1;
  return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

static int write_file(int directory, const char *temporary, const struct bytes *content) {
  AUTO_CLOSE int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (fchmod(fd, 0600) == 0 && write_all(fd, content->data, content->length) == 0) return 0;
  int error = errno;
  (void)unlinkat(directory, temporary, 0);
  errno = error;
  return -1;
}

/* Files only: krun makes no directories in it. Removing moves positions, hence from the beginning until nothing is left. */
static int remove_files(int directory) {
  struct entries entries;
  struct entry entry;
  for (;;) {
    open_entries(&entries, directory);
    int more = next_entry(&entries, &entry);
    if (more <= 0) return more;
    if (unlinkat(directory, entry.name, 0) < 0 && errno != ENOENT) return -1;
  }
}

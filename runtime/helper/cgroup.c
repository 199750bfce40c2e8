/* Opening cgroups, reading and writing their files. */
#include "cgroup.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "rules.h"

#define MARK "krun.made"
#define OWNER "krun.container"

static int set_note(int cgroup, const char *name, const char *value);
static ssize_t get_note(int cgroup, const char *name, char *text, size_t size);
static bool is_owner(int cgroup, const char *owner);
static bool is_file_name(const char *name);
static int write_lines(int fd, const char *value);

int op_open_cgroup(struct context *context, const struct op_open_cgroup *op) {
  struct cgroup_path path;
  AUTO_CLOSE int mount = open_cgroup_mount(context, op->mountpoint);
  if (mount < 0 || split_cgroup_path(context, op->path, &path) < 0) return -1;
  int cgroup = open_in_cgroup(mount, path.text, O_RDONLY | O_DIRECTORY);
  if (cgroup < 0 && op->or_gone && is_gone(errno)) return 0;
  if (cgroup < 0) return fail(context, "openat2", op->path);
  if (*op->owner == '\0' || is_owner(cgroup, op->owner)) return slot_store(context, op->cgroup, cgroup);
  close(cgroup);
  return op->or_gone ? 0 : fail_detail(context, ENOENT, "fgetxattr", op->path, "owner=another");
}

int op_write_cgroup_file(struct context *context, const struct op_write_cgroup_file *op) {
  int cgroup = slot_fd(context, op->cgroup);
  if (cgroup < 0) return -1;
  if (!is_file_name(op->file)) return fail_with(context, EINVAL, "openat2", op->file);
  AUTO_CLOSE int fd = open_in_cgroup(cgroup, op->file, O_WRONLY);
  if (fd < 0 && op->optional && errno == ENOENT) return 0;
  if (fd < 0) return fail_detail(context, errno, "openat2", op->file, "value=%.200s", op->value);
  if (write_lines(fd, op->value) < 0) return fail_detail(context, errno, "write", op->file, "value=%.200s", op->value);
  return 0;
}

int op_delegate_cgroup(struct context *context, const struct op_delegate_cgroup *op) {
  int cgroup = slot_fd(context, op->cgroup);
  if (cgroup < 0) return -1;
  if (fchown(cgroup, op->uid, (gid_t)-1) < 0) return fail(context, "fchown", "");
  for (uint32_t i = 0; i < op->files.count; i++) {
    const char *file = op->files.items[i];
    if (!is_file_name(file)) return fail_with(context, EINVAL, "openat2", file);
    AUTO_CLOSE int fd = open_in_cgroup(cgroup, file, O_PATH);
    if (fd < 0 && errno == ENOENT) continue;
    if (fd < 0) return fail(context, "openat2", file);
    if (fchownat(fd, "", op->uid, (gid_t)-1, AT_EMPTY_PATH) < 0) return fail(context, "fchownat", file);
  }
  return 0;
}

int split_cgroup_path(struct context *context, const char *path, struct cgroup_path *split) {
  size_t length = strlen(path);
  if (length < 2 || length >= PATH_MAX || path[0] != '/') return fail_with(context, EINVAL, "openat2", path);
  memcpy(split->text, path + 1, length);
  split->depth = 0;
  for (const char *at = split->text;;) {
    size_t size = strcspn(at, "/");
    bool dots = RULE(CGROUP_BENEATH) && ((size == 1 && at[0] == '.') || (size == 2 && at[0] == '.' && at[1] == '.'));
    if (size == 0 || size > NAME_MAX || dots || split->depth == MAX_CGROUP_DEPTH) return fail_with(context, EINVAL, "openat2", path);
    split->ends[split->depth++] = (uint16_t)(at + size - split->text);
    if (at[size] == '\0') return 0;
    at += size + 1;
  }
}

const char *cgroup_prefix(const struct cgroup_path *path, uint32_t depth, char buffer[PATH_MAX]) {
  if (depth == 0) return strcpy(buffer, ".");
  memcpy(buffer, path->text, path->ends[depth - 1]);
  buffer[path->ends[depth - 1]] = '\0';
  return buffer;
}

const char *cgroup_place(const struct cgroup_path *path, uint32_t depth, char buffer[PATH_MAX]) {
  size_t length = depth == 0 ? 0 : path->ends[depth - 1];
  buffer[0] = '/';
  memcpy(buffer + 1, path->text, length);
  buffer[length + 1] = '\0';
  return buffer;
}

const char *cgroup_name(const struct cgroup_path *path, uint32_t index, char buffer[NAME_MAX + 1]) {
  size_t start = index == 0 ? 0 : path->ends[index - 1] + 1u;
  size_t length = path->ends[index] - start;
  memcpy(buffer, path->text + start, length);
  buffer[length] = '\0';
  return buffer;
}

int open_cgroup_mount(struct context *context, const char *mountpoint) {
  struct statfs status;
  AUTO_CLOSE int mount = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (mount < 0) return fail(context, "open", mountpoint);
  if (fstatfs(mount, &status) < 0) return fail(context, "fstatfs", mountpoint);
  if ((uint32_t)status.f_type != CGROUP2_SUPER_MAGIC) return fail_detail(context, EINVAL, "fstatfs", mountpoint, "not cgroup2");
  return steal_fd(&mount);
}

int open_in_cgroup(int cgroup, const char *path, int flags) {
  struct open_how how = {
      .flags = (uint64_t)flags | O_CLOEXEC | O_NOFOLLOW,
      .resolve = RULE(CGROUP_BENEATH) ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV : 0,
  };
  return (int)syscall(SYS_openat2, cgroup, path, &how, sizeof how);
}

ssize_t read_cgroup_file(int cgroup, const char *file, char *text, size_t size) {
  AUTO_CLOSE int fd = open_in_cgroup(cgroup, file, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t length = read(fd, text, size - 1);
  if (length >= 0) text[length] = '\0';
  return length;
}

int write_cgroup_text(int cgroup, const char *file, const char *text) {
  AUTO_CLOSE int fd = open_in_cgroup(cgroup, file, O_WRONLY);
  if (fd < 0) return -1;
  return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

int cgroup_event(int cgroup, const char *key) {
  char text[256];
  if (read_cgroup_file(cgroup, "cgroup.events", text, sizeof text) < 0) return -1;
  const char *at = strstr(text, key);
  return at != NULL && at[strlen(key)] == ' ' && at[strlen(key) + 1] == '1';
}

const char *list_processes(int cgroup, char *text, size_t size) {
  ssize_t length = read_cgroup_file(cgroup, "cgroup.procs", text, size);
  if (length <= 0) return strcpy(text, "");
  if ((size_t)length == size - 1) length = strrchr(text, '\n') - text + 1; /* the last one may be cut off */
  for (char *at = text; (at = strchr(at, '\n')) != NULL;) *at = ',';
  text[length - 1] = '\0';
  return text;
}

/* The kernel keeps "trusted" ones from whoever lacks CAP_SYS_ADMIN in the first user namespace; so do we when it is ours to have. */
static int set_note(int cgroup, const char *name, const char *value) {
  char full[64];
  snprintf(full, sizeof full, "trusted.%s", name);
  if (fsetxattr(cgroup, full, value, strlen(value), 0) == 0) return 0;
  if (errno != EPERM) return -1;
  snprintf(full, sizeof full, "user.%s", name);
  return fsetxattr(cgroup, full, value, strlen(value), 0);
}

/* Its length, or -1 with errno. */
static ssize_t get_note(int cgroup, const char *name, char *text, size_t size) {
  char full[64];
  snprintf(full, sizeof full, "trusted.%s", name);
  ssize_t length = fgetxattr(cgroup, full, text, size);
  if (length >= 0) return length;
  snprintf(full, sizeof full, "user.%s", name);
  return fgetxattr(cgroup, full, text, size);
}

int mark_cgroup(int cgroup) {
  return set_note(cgroup, MARK, "1");
}

bool is_marked(int cgroup) {
  char value;
  return get_note(cgroup, MARK, &value, 1) == 1 && value == '1';
}

int own_cgroup(int cgroup, const char *owner) {
  return set_note(cgroup, OWNER, owner);
}

void disown_cgroup(int cgroup) {
  (void)fremovexattr(cgroup, "trusted." OWNER);
  (void)fremovexattr(cgroup, "user." OWNER);
}

/* One that krun made and then died before it could note the owner is whoever's asks first. */
static bool is_owner(int cgroup, const char *owner) {
  char text[PATH_MAX];
  ssize_t length = get_note(cgroup, OWNER, text, sizeof text);
  if (length < 0 && errno == ENODATA) return is_marked(cgroup) && flock(cgroup, LOCK_EX | LOCK_NB) == 0;
  return length == (ssize_t)strlen(owner) && memcmp(text, owner, strlen(owner)) == 0;
}

/* Names of interface files: memory.max, hugetlb.2MB.rsvd.max. */
static bool is_file_name(const char *name) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (!RULE(CGROUP_FILE_NAMES)) return true;
  return name[0] != '.' && name[0] != '\0' && name[strspn(name, letters)] == '\0';
}

/* The kernel takes one setting a write. An empty value is a line too: it resets cpuset.cpus. */
static int write_lines(int fd, const char *value) {
  do {
    size_t length = strcspn(value, "\n");
    const char *next = value[length] == '\n' ? value + length + 1 : value + length;
    ssize_t written = length > 0 ? write(fd, value, length) : write(fd, "\n", 1);
    if (written < 0) return -1;
    value = next;
  } while (*value != '\0');
  return 0;
}

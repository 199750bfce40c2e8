#include "id-map.h"

#include <stdio.h>

static int write_map(struct context *context, pid_t pid, const char *name, const char *content);

int op_write_id_maps(struct context *context, const struct op_write_id_maps *op) {
  return write_id_maps(context, context->init, op->uid_map, op->gid_map, op->deny_setgroups);
}

int write_id_maps(struct context *context, pid_t pid, const char *uid_map, const char *gid_map, bool deny_setgroups) {
  if (pid <= 0) return fail_with(context, ESRCH, "openat", "");
  if (deny_setgroups && write_map(context, pid, "setgroups", "deny") < 0) return -1;
  if (write_map(context, pid, "gid_map", gid_map) < 0) return -1;
  return write_map(context, pid, "uid_map", uid_map);
}

/* The kernel takes a map once and whole: a second write(2) to it fails. */
static int write_map(struct context *context, pid_t pid, const char *name, const char *content) {
  size_t length = strlen(content);
  if (length == 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return fail(context, "openat", path);
  ssize_t written = write(fd, content, length);
  if (written < 0) return fail(context, "write", path);
  return (size_t)written == length ? 0 : fail_with(context, EIO, "write", path);
}

/* Groups of resctrl (Intel RDT): directories that are made, joined by a pid, and removed. Paths are of the host, before any container. */
#include <stdio.h>
#include <sys/stat.h>

#include "krun.h"

static int write_file(struct context *context, int group, const char *file, const char *value);

int op_create_resctrl_group(struct context *context, const struct op_create_resctrl_group *op) {
  if (mkdir(op->path, 0755) < 0) return fail(context, "mkdir", op->path);
  int group = open(op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return group < 0 ? fail(context, "open", op->path) : slot_store(context, op->group, group);
}

int op_open_resctrl_group(struct context *context, const struct op_open_resctrl_group *op) {
  int group = open(op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return group < 0 ? fail(context, "open", op->path) : slot_store(context, op->group, group);
}

int op_write_schemata(struct context *context, const struct op_write_schemata *op) {
  int group = slot_fd(context, op->group);
  return group < 0 ? -1 : write_file(context, group, "schemata", op->value);
}

int op_join_resctrl_group(struct context *context, const struct op_join_resctrl_group *op) {
  int group = slot_fd(context, op->group);
  char pid[16];
  snprintf(pid, sizeof pid, "%d", context->init);
  return group < 0 ? -1 : write_file(context, group, "tasks", pid);
}

/* With a slot only what this helper has made: while it is empty there is nothing of ours. */
int op_remove_resctrl_group(struct context *context, const struct op_remove_resctrl_group *op) {
  if (op->group != NO_SLOT && slot_empty(context, op->group)) return 0;
  return rmdir(op->path) < 0 && errno != ENOENT ? fail(context, "rmdir", op->path) : 0;
}

/* One write: resctrl takes all lines of a schema or none. */
static int write_file(struct context *context, int group, const char *file, const char *value) {
  AUTO_CLOSE int fd = openat(group, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(context, "openat", file);
  size_t length = strlen(value);
  ssize_t written = write(fd, value, length);
  if (written < 0) return fail_detail(context, errno, "write", file, "value=%.200s", value);
  return (size_t)written == length ? 0 : fail_detail(context, EIO, "write", file, "value=%.200s", value);
}

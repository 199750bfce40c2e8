/* What the supervisor has to say, written with the caller's own rights. */
#include <sys/stat.h>

#include "krun.h"

int op_write(struct context *context, const struct op_write *op) {
  if (op->descriptor != 1 && op->descriptor != 2) return fail_with(context, EBADF, "write", "");
  if (write_all((int)op->descriptor, op->content.data, op->content.length) < 0) return fail(context, "write", "");
  return 0;
}

int op_append_file(struct context *context, const struct op_append_file *op) {
  AUTO_CLOSE int file = open(op->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return fail(context, "open", op->path);
  if (write_all(file, op->content.data, op->content.length) < 0) return fail(context, "write", op->path);
  return 0;
}

int op_create_file(struct context *context, const struct op_create_file *op) {
  AUTO_CLOSE int file = open(op->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, op->mode);
  if (file < 0) return fail(context, "open", op->path);
  if (write_all(file, op->content.data, op->content.length) == 0) return 0;
  fail(context, "write", op->path);
  unlink(op->path);
  return -1;
}

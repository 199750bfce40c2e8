/* What the supervisor has to say, written with the caller's own rights. */
#include <signal.h>
#include <sys/stat.h>

#include "krun.h"

static void complain(const struct bytes *content);

int op_write(struct context *context, const struct op_write *op) {
  if (op->descriptor != 1 && op->descriptor != 2) return fail_with(context, EBADF, "write", "");
  if (op->descriptor == 2) complain(&op->content);
  else if (write_all(1, op->content.data, op->content.length) < 0) return fail(context, "write", "");
  return 0;
}

/* Whoever gives us a standard error that takes nothing (containerd: /dev/null, open for reading) gets the log all the same. */
static void complain(const struct bytes *content) {
  void (*before)(int) = signal(SIGPIPE, SIG_IGN);
  (void)!write_all(2, content->data, content->length);
  signal(SIGPIPE, before);
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

/* --pid-file: decimal, without a newline (some callers read it with strtol and look at the end), there whole or not at all. */
#include <stdio.h>
#include <stdlib.h>

#include "krun.h"

static int write_pid(const char *temporary, pid_t pid);

int op_write_pid_file(struct context *context, const struct op_write_pid_file *op) {
  char temporary[PATH_MAX];
  if (context->init <= 0) return fail_with(context, ESRCH, "writePidFile", op->path);
  int length = snprintf(temporary, sizeof temporary, "%s.%d.new", op->path, context->init);
  if (length >= (int)sizeof temporary) return fail_with(context, ENAMETOOLONG, "open", op->path);
  if (write_pid(temporary, context->init) < 0) return fail(context, "open", op->path);
  if (rename(temporary, op->path) == 0) return 0;
  (void)fail(context, "rename", op->path);
  (void)unlink(temporary);
  return -1;
}

static int write_pid(const char *temporary, pid_t pid) {
  char text[16];
  int length = snprintf(text, sizeof text, "%d", pid);
  AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  if (write_all(fd, text, (size_t)length) == 0) return 0;
  int error = errno;
  (void)unlink(temporary);
  errno = error;
  return -1;
}

/* The clocks of a new time namespace, set while nobody is in it yet: time_namespaces(7). */
#include "krun.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

int op_set_time_offsets(struct context *context, const struct op_set_time_offsets *op) {
  static const char path[] = "self/timens_offsets";
  AUTO_CLOSE int host = -1;
  int proc = op->proc == NO_SLOT ? host = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) : slot_fd(context, op->proc);
  if (proc < 0) return op->proc == NO_SLOT ? fail(context, "openat", "/proc") : -1;
  const struct open_how how = {.flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
  AUTO_CLOSE int fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof how);
  if (fd < 0) return fail(context, "openat2", path);
  struct statfs file_system;
  if (fstatfs(fd, &file_system) < 0) return fail(context, "fstatfs", path);
  if (file_system.f_type != PROC_SUPER_MAGIC) return fail_detail(context, EXDEV, "openat2", path, "proc=0");
  size_t length = strlen(op->offsets);
  ssize_t written = write(fd, op->offsets, length);
  if (written < 0) return fail(context, "write", path);
  return (size_t)written == length ? 0 : fail_with(context, EIO, "write", path);
}

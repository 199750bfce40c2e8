/* Sysctls, through a procfs that is mounted nowhere: what the container's image has at /proc plays no part (CVE-2025-52881). */
#include "krun.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#ifdef KRUN_WITHOUT_SYSCTL_RESOLVE /* negative control of B3 and B6 */
#define SYSCTL_RESOLVE 0
#else
#define SYSCTL_RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)
#endif

int op_set_sysctl(struct context *context, const struct op_set_sysctl *op) {
  int proc = slot_fd(context, op->proc);
  if (proc < 0) return -1;
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "sys/%s", op->path) >= (int)sizeof path) return fail_with(context, ENAMETOOLONG, "openat2", op->path);
  const struct open_how how = {.flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC, .resolve = SYSCTL_RESOLVE};
  AUTO_CLOSE int fd = (int)syscall(SYS_openat2, proc, path, &how, sizeof how);
  if (fd < 0) return fail(context, "openat2", path);
  struct statfs file_system;
  if (fstatfs(fd, &file_system) < 0) return fail(context, "fstatfs", path);
  if (file_system.f_type != PROC_SUPER_MAGIC) return fail_detail(context, EXDEV, "openat2", path, "proc=0");
  /* One write: the kernel parses each write on its own. */
  size_t length = strlen(op->value);
  ssize_t written = write(fd, op->value, length);
  if (written < 0) return fail_detail(context, errno, "write", path, "value=%.200s", op->value);
  return (size_t)written == length ? 0 : fail_detail(context, EINVAL, "write", path, "value=%.200s", op->value);
}

/* Sysctls, through a procfs that is mounted nowhere: what the container's image has at /proc plays no part (CVE-2025-52881). */
#include "krun.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "rules.h"

#define SYSCTL_RESOLVE (RULE(SYSCTL_RESOLVE) ? RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS : 0)

static int open_sysctl(int proc, const char *path);

int op_set_sysctl(struct context *context, const struct op_set_sysctl *op) {
  int proc = slot_fd(context, op->proc);
  if (proc < 0) return -1;
  AUTO_CLOSE int fd = open_sysctl(proc, op->path);
  if (fd < 0) return fail(context, "openat2", op->path);
  struct statfs file_system;
  if (fstatfs(fd, &file_system) < 0) return fail(context, "fstatfs", op->path);
  if (file_system.f_type != PROC_SUPER_MAGIC) return fail_detail(context, EXDEV, "openat2", op->path, "proc=0");
  /* One write: the kernel parses each write on its own. */
  size_t length = strlen(op->value);
  ssize_t written = write(fd, op->value, length);
  if (written < 0) return fail_detail(context, errno, "write", op->path, "value=%.200s", op->value);
  return (size_t)written == length ? 0 : fail_detail(context, EINVAL, "write", op->path, "value=%.200s", op->value);
}

static int open_sysctl(int proc, const char *path) {
  const struct open_how directory = {.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = SYSCTL_RESOLVE};
  const struct open_how file = {.flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC, .resolve = SYSCTL_RESOLVE};
  AUTO_CLOSE int sys = (int)syscall(SYS_openat2, proc, "sys", &directory, sizeof directory);
  return sys < 0 ? -1 : (int)syscall(SYS_openat2, sys, path, &file, sizeof file);
}

/* What the kernel grants a process: resource limits, and its place in line for the OOM killer. */
#include "krun.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int open_oom_score_adj(struct context *context, char *path, size_t size);

struct limit {
  uint64_t soft;
  uint64_t hard;
};

/* From the helper when the child has given up the right to raise its limits: in a user namespace CAP_SYS_RESOURCE does not count. */
int op_setrlimit(struct context *context, const struct op_setrlimit *op) {
  pid_t pid = context->is_child ? 0 : context->init;
  if (!context->is_child && pid <= 0) return fail_with(context, ESRCH, "prlimit64", "");
  const struct limit limit = {.soft = op->soft, .hard = op->hard};
  if (syscall(SYS_prlimit64, pid, op->resource, &limit, NULL) == 0) return 0;
  return fail_detail(context, errno, "prlimit64", "", "resource=%u", op->resource);
}

/* Likewise from the helper in the case of a user namespace: lowering it takes CAP_SYS_RESOURCE of the host. */
int op_set_oom_score_adjust(struct context *context, const struct op_set_oom_score_adjust *op) {
  char path[64];
  AUTO_CLOSE int fd = open_oom_score_adj(context, path, sizeof path);
  if (fd < 0) return -1;
  char value[16];
  int length = snprintf(value, sizeof value, "%d", op->value);
  if (write(fd, value, (size_t)length) != length) return fail_detail(context, errno, "write", path, "value=%s", value);
  return 0;
}

static int open_oom_score_adj(struct context *context, char *path, size_t size) {
  if (context->is_child) snprintf(path, size, "/proc/self/oom_score_adj");
  else snprintf(path, size, "/proc/%d/oom_score_adj", (int)context->init);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 ? fail(context, "openat", path) : fd;
}

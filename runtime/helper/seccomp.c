#include "krun.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

int op_install_seccomp(struct context *context, const struct op_install_seccomp *op) {
  if (op->program.length % sizeof(struct sock_filter) != 0 || op->program.length / sizeof(struct sock_filter) > UINT16_MAX)
    return fail_with(context, EINVAL, "seccomp", "");
  const struct sock_fprog program = {
    .len = (unsigned short)(op->program.length / sizeof(struct sock_filter)),
    .filter = (struct sock_filter *)(uintptr_t)op->program.data,
  };
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &program) == 0) return 0;
  return fail_detail(context, errno, "seccomp", "", "instructions=%u\nflags=0x%x", program.len, op->flags);
}

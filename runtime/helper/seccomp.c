#include "seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

int op_install_seccomp(struct context *context, const struct op_install_seccomp *op) {
  return install_filter(context, &op->program, op->flags) < 0 ? -1 : 0;
}

int install_filter(struct context *context, const struct bytes *filter, uint32_t flags) {
  if (filter->length % sizeof(struct sock_filter) != 0 || filter->length / sizeof(struct sock_filter) > UINT16_MAX)
    return fail_with(context, EINVAL, "seccomp", "");
  const struct sock_fprog program = {
    .len = (unsigned short)(filter->length / sizeof(struct sock_filter)),
    .filter = (struct sock_filter *)(uintptr_t)filter->data,
  };
  int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result >= 0) return result;
  return fail_detail(context, errno, "seccomp", "", "instructions=%u\nflags=0x%x", program.len, flags);
}

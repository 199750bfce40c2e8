/* Descriptors on their way into the container: 0 to 2, those to preserve, and none else. */
#include "krun.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include "rules.h"

static int close_range_between(struct context *context, unsigned first, unsigned last);
static bool is_ours_to_give(int fd, const struct stat *file);

/* All that came through the caller's execve is without FD_CLOEXEC, all that is ours has it: so a descriptor of ours cannot pass for the caller's. */
int op_preserve_descriptors(struct context *context, const struct op_preserve_descriptors *op) {
  for (uint32_t i = 0; i < op->count; i++) {
    int fd = (int)(3 + i), flags = fcntl(fd, F_GETFD);
    if (flags < 0 || flags & FD_CLOEXEC) return fail_detail(context, EBADF, "fcntl", "", "descriptor=%d", fd);
  }
  return 0;
}

int op_close_descriptors(struct context *context, const struct op_close_descriptors *op) {
  unsigned first = 3 + op->preserve;
  if (!RULE(CLOSE_DESCRIPTORS)) return 0;
  const int kept[] = {context->line, context->gate, context->report, context->helper, context->ready[0], context->ready[1]};
  for (;;) { /* from gap to gap */
    unsigned next = UINT_MAX;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
      if (kept[i] >= (int)first && (unsigned)kept[i] < next) next = (unsigned)kept[i];
    if (next > first && close_range_between(context, first, next == UINT_MAX ? UINT_MAX : next - 1) < 0) return -1;
    if (next == UINT_MAX) break;
    first = next + 1;
  }
  for (uint32_t i = 0; i < context->slot_count; i++)
    if (context->slots[i] >= (int)(3 + op->preserve)) context->slots[i] = -1;
  return 0;
}

int op_chown_stdio(struct context *context, const struct op_chown_stdio *op) {
  for (int fd = 0; fd <= 2; fd++) {
    struct stat file;
    if (fstat(fd, &file) < 0) return fail_detail(context, errno, "fstat", "", "descriptor=%d", fd);
    if (!is_ours_to_give(fd, &file) || file.st_uid == op->uid) continue;
    if (fchown(fd, op->uid, op->gid) == 0) continue;
    /* EINVAL: the caller's user namespace has no such user. EPERM, EROFS: not ours, or not writable; the descriptor itself stays usable. */
    if (errno != EPERM && errno != EROFS && errno != EINVAL) return fail_detail(context, errno, "fchown", "", "descriptor=%d", fd);
  }
  return 0;
}

/* Terminals, pipes and sockets are reopened by way of /proc/self/fd; a caller's file is the caller's, and its null device everybody's (CVE-2025-52565's kin). */
static bool is_ours_to_give(int fd, const struct stat *file) {
  if (S_ISFIFO(file->st_mode) || S_ISSOCK(file->st_mode)) return true;
  struct termios terminal;
  return S_ISCHR(file->st_mode) && ioctl(fd, TCGETS, &terminal) == 0;
}

static int close_range_between(struct context *context, unsigned first, unsigned last) {
  return syscall(SYS_close_range, first, last, 0) < 0 ? fail(context, "close_range", "") : 0;
}

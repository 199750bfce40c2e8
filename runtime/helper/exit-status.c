/*
 * How a process that is not our child has ended. Only its parent can wait for it; but the kernel shows the status to others as well: of a
 * zombie in /proc/PID/stat, and from 6.15 on of one that has been reaped to whoever has held a pidfd of it (PIDFD_GET_INFO).
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "follow-up.h"
#include "krun.h"
#include "other-process.h"

/* linux/pidfd.h, of which the libc may have an older one. */
#define INFO_EXIT (UINT64_C(1) << 3)
struct process_info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;
};
_Static_assert(sizeof(struct process_info) == 64, "PIDFD_INFO_SIZE_VER0");
/* How long a parent may take to reap a zombie that is not shown to us. */
#define REAP_MILLISECONDS 1000
#define GET_INFO _IOWR(0xff, 11, struct process_info)

static bool ask_kernel(int process, int *status);
static bool ask_zombie(pid_t pid, uint64_t start, int *status);
static bool may_see(pid_t pid);
static int tell(struct context *context, const char *word);

int op_await_status(struct context *context, const struct op_await_status *op) {
  uint64_t start;
  AUTO_CLOSE int process = (int)syscall(SYS_pidfd_open, op->pid, 0);
  if (process < 0) return errno == ESRCH ? tell(context, "gone") : fail_detail(context, errno, "pidfd_open", "", "pid=%u", op->pid);
  if (read_start_time((pid_t)op->pid, &start) < 0 || start != op->start_time) return tell(context, "gone");
  if (wait_for_end(context, process, UINT32_MAX) < 0) return -1;
  int status;
  char number[16];
  if (!ask_zombie((pid_t)op->pid, start, &status) && !ask_kernel(process, &status)) return tell(context, "unseen");
  snprintf(number, sizeof number, "%d", status);
  return tell(context, number);
}

/* It tells only once the process is reaped, as it is by now, or by a parent that does so soon. POLLHUP is always listened for. */
static bool ask_kernel(int process, int *status) {
  struct pollfd reaped = {.fd = process};
  (void)poll(&reaped, 1, REAP_MILLISECONDS);
  struct process_info info = {.mask = INFO_EXIT};
  if (ioctl(process, GET_INFO, &info) < 0 || (info.mask & INFO_EXIT) == 0) return false;
  *status = info.exit_code;
  return true;
}

/* Field 52; state, start time and status come from one read, so that they are of one process. */
static bool ask_zombie(pid_t pid, uint64_t start, int *status) {
  char path[32], text[2048];
  if (!may_see(pid)) return false;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length < 0) return false;
  text[length] = '\0';
  const char *at = strrchr(text, ')'), *fields[53] = {0};
  for (int field = 3; at != NULL && field <= 52; field++) {
    at = strchr(at + 1, ' ');
    fields[field] = at;
  }
  if (at == NULL || fields[3][1] != 'Z' || strtoull(fields[22] + 1, NULL, 10) != start) return false;
  *status = (int)strtol(fields[52] + 1, NULL, 10);
  return true;
}

/* Who may not trace a process sees 0 for its status (proc_pid_stat(5)), and is refused this link. */
static bool may_see(pid_t pid) {
  char path[32], target[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  return readlink(path, target, sizeof target) > 0;
}

static int tell(struct context *context, const char *word) {
  return hand_on(context, word, strlen(word)) < 0 ? fail(context, "malloc", "") : 0;
}

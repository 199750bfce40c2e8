/* Processes that an earlier krun started: always by pidfd, and only if the start time is the recorded one. */
#include "other-process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "krun.h"
#include "rules.h"
#include "signals.h"

static int open_process(struct context *context, uint32_t pid, uint64_t start_time);
static int64_t now(void);

int op_open_process(struct context *context, const struct op_open_process *op) {
  AUTO_CLOSE int process = open_process(context, op->pid, op->start_time);
  return process < 0 ? -1 : slot_store(context, op->process, steal_fd(&process));
}

/* A look first: a failure cannot be taken back. */
int op_end_process(struct context *context, const struct op_end_process *op) {
  uint64_t start;
  AUTO_CLOSE int process = (int)syscall(SYS_pidfd_open, op->pid, 0);
  if (process < 0 && errno == ESRCH) return 0;
  if (process < 0) return fail_detail(context, errno, "pidfd_open", "", "pid=%u", op->pid);
  if (read_start_time((pid_t)op->pid, &start) < 0) return errno == ESRCH ? 0 : fail_detail(context, errno, "open", "/proc", "pid=%u", op->pid);
  if (RULE(START_TIME) && start != op->start_time) return 0;
  if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) < 0 && errno != ESRCH) return fail_detail(context, errno, "pidfd_send_signal", "", "signal=9");
  return wait_for_end(context, process, op->milliseconds);
}

int op_signal_process(struct context *context, const struct op_signal_process *op) {
  int process = slot_fd(context, op->process);
  if (process < 0) return -1;
  if (syscall(SYS_pidfd_send_signal, process, (int)op->signal, NULL, 0) == 0) return 0;
  if (op->or_gone && errno == ESRCH) return 0;
  return fail_detail(context, errno, "pidfd_send_signal", "", "signal=%u", op->signal);
}

int op_wait_for_process(struct context *context, const struct op_wait_for_process *op) {
  int process = slot_fd(context, op->process);
  return process < 0 ? -1 : wait_for_end(context, process, op->milliseconds);
}

/*
 * The pidfd comes first: should the process end and another get its pid between the two calls, the time that is read is that of
 * the other, which started after the recorded one.
 */
static int open_process(struct context *context, uint32_t pid, uint64_t start_time) {
  uint64_t start;
  if (pid == 0 || pid > INT_MAX) return fail_detail(context, ESRCH, "pidfd_open", "", "pid=%u", pid);
  AUTO_CLOSE int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0) return fail_detail(context, errno, "pidfd_open", "", "pid=%u", pid);
  if (read_start_time((pid_t)pid, &start) < 0) return fail_detail(context, errno, "open", "/proc", "pid=%u", pid);
  if (RULE(START_TIME) && start != start_time)
    return fail_detail(context, ESRCH, "pidfd_open", "", "pid=%u start=%llu", pid, (unsigned long long)start);
  return steal_fd(&process);
}

int wait_for_end(struct context *context, int process, uint32_t milliseconds) {
  AUTO_CLOSE int signals = open_interrupts();
  struct pollfd ready[] = {{.fd = process, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  int64_t deadline = now() + milliseconds;
  for (;;) {
    int64_t left = deadline - now();
    int count = poll(ready, 2, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
    if (ready[0].revents != 0) return 0;
    if (ready[1].revents != 0) return refuse_interrupted(context);
    if (count < 0 && errno != EINTR) return fail(context, "poll", "");
    if (count == 0 && left <= INT_MAX) return fail_with(context, ETIMEDOUT, "poll", "");
  }
}

/* The command's name, field 2, may hold blanks and parentheses: count from the last one. */
int read_start_time(pid_t pid, uint64_t *start) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) errno = ESRCH;
    return -1;
  }
  ssize_t length = read(fd, text, sizeof text - 1);
  if (length < 0) return -1;
  text[length] = '\0';
  const char *at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  if (at == NULL) {
    errno = ESRCH;
    return -1;
  }
  *start = strtoull(at + 1, NULL, 10);
  return 0;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

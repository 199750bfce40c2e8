/* freezeCgroup: pause and resume. */
#include <poll.h>
#include <time.h>

#include "cgroup.h"

static int wait_frozen(int cgroup, bool frozen);
static int64_t now(void);

/* The kernel freezes one process after another: only cgroup.events tells that all of them stand still. */
int op_freeze_cgroup(struct context *context, const struct op_freeze_cgroup *op) {
  int cgroup = slot_fd(context, op->cgroup);
  if (cgroup < 0) return -1;
  if (write_cgroup_text(cgroup, "cgroup.freeze", op->frozen ? "1" : "0") < 0) return fail(context, "write", "cgroup.freeze");
  if (wait_frozen(cgroup, op->frozen) == 0) return 0;
  (void)fail(context, "poll", "cgroup.events");
  if (op->frozen) (void)write_cgroup_text(cgroup, "cgroup.freeze", "0");
  return -1;
}

/* 0, or -1 with errno: ETIMEDOUT, ENODEV when the cgroup has gone. */
static int wait_frozen(int cgroup, bool frozen) {
  AUTO_CLOSE int events = open_in_cgroup(cgroup, "cgroup.events", O_RDONLY);
  if (events < 0) return -1;
  struct pollfd changed = {.fd = events, .events = POLLPRI};
  for (int64_t deadline = now() + CGROUP_WAIT;;) {
    char text[256];
    ssize_t length = pread(events, text, sizeof text - 1, 0);
    if (length < 0) return -1;
    text[length] = '\0';
    if (strstr(text, frozen ? "frozen 1" : "frozen 0") != NULL) return 0;
    int64_t left = deadline - now();
    if (left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    if (poll(&changed, 1, (int)left) < 0 && errno != EINTR) return -1;
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

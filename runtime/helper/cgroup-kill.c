/* killCgroup: end every process of a cgroup and below it, and wait for that. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cgroup.h"
#include "entries.h"

/* Where cgroup.kill is not to be had, deeper ones are left, and the wait fails. */
#define MAX_KILL_DEPTH 64

static int kill_each(int cgroup);
static int signal_tree(int cgroup, int depth);
static void signal_processes(int cgroup);
static int is_populated(int events);
static int64_t now(void);

int op_kill_cgroup(struct context *context, const struct op_kill_cgroup *op) {
  if (slot_empty(context, op->cgroup)) return 0;
  int cgroup = slot_fd(context, op->cgroup);
  int populated = cgroup_event(cgroup, "populated");
  if (populated == 0 || (populated < 0 && is_gone(errno))) return 0;
  if (populated < 0) return fail(context, "read", "cgroup.events");
  if (write_cgroup_text(cgroup, "cgroup.kill", "1") < 0 && kill_each(cgroup) < 0) return fail(context, "write", "cgroup.freeze");
  if (wait_unpopulated(cgroup, CGROUP_WAIT) == 0) return 0;
  int error = errno;
  char processes[256];
  return fail_detail(context, error, "poll", "cgroup.events", "pids=%s", list_processes(cgroup, processes, sizeof processes));
}

int wait_unpopulated(int cgroup, int milliseconds) {
  AUTO_CLOSE int events = open_in_cgroup(cgroup, "cgroup.events", O_RDONLY);
  if (events < 0) return is_gone(errno) ? 0 : -1;
  struct pollfd changed = {.fd = events, .events = POLLPRI};
  int64_t deadline = now() + milliseconds;
  for (;;) {
    int populated = is_populated(events);
    if (populated <= 0) return populated;
    int64_t left = deadline - now();
    if (left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    if (poll(&changed, 1, (int)left) < 0 && errno != EINTR) return -1;
  }
}

/* No cgroup.kill: a threaded cgroup, or an old kernel. Frozen processes can neither fork nor end, so that each pid is still theirs. */
static int kill_each(int cgroup) {
  if (write_cgroup_text(cgroup, "cgroup.freeze", "1") < 0) return is_gone(errno) ? 0 : -1;
  int result = signal_tree(cgroup, 0);
  if (write_cgroup_text(cgroup, "cgroup.freeze", "0") < 0 && !is_gone(errno)) return -1;
  return result;
}

static int signal_tree(int cgroup, int depth) {
  if (depth == MAX_KILL_DEPTH) {
    errno = ELOOP;
    return -1;
  }
  signal_processes(cgroup);
  struct entries entries;
  struct entry entry;
  int more;
  open_entries(&entries, cgroup);
  while ((more = next_directory(&entries, &entry)) > 0) {
    AUTO_CLOSE int child = open_in_cgroup(cgroup, entry.name, O_RDONLY | O_DIRECTORY);
    if (child >= 0 && signal_tree(child, depth + 1) < 0) return -1;
  }
  return more;
}

/* A threaded cgroup lists threads only; a signal to a thread's id is one to its process. 0 stands for one outside our pid namespace. */
static void signal_processes(int cgroup) {
  char text[4096];
  const char *file = "cgroup.procs";
  AUTO_CLOSE int fd = open_in_cgroup(cgroup, file, O_RDONLY);
  if (fd < 0) return;
  size_t kept = 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  if (length < 0 && errno == EOPNOTSUPP) {
    close(fd);
    fd = open_in_cgroup(cgroup, "cgroup.threads", O_RDONLY);
    if (fd < 0) return;
    length = read(fd, text, sizeof text - 1);
  }
  for (; length > 0; length = read(fd, text + kept, sizeof text - 1 - kept)) {
    text[kept + (size_t)length] = '\0';
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      pid_t pid = (pid_t)strtol(line, NULL, 10);
      if (pid > 0) (void)kill(pid, SIGKILL);
    }
    kept = strlen(line);
    memmove(text, line, kept);
  }
}

/* 0 also when the cgroup has gone; reading is what makes the next poll wait. */
static int is_populated(int events) {
  char text[256];
  ssize_t length = pread(events, text, sizeof text - 1, 0);
  if (length < 0) return is_gone(errno) ? 0 : -1;
  text[length] = '\0';
  return strstr(text, "populated 1") != NULL;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

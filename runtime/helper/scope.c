/* Scopes of systemd: it makes one only around a process that is there, and kernel and krun want the cgroup before init. Hence the anchor. */
#include "scope.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "process.h"
#include "rules.h"

static _Noreturn void be_anchor(pid_t helper);
static bool holds(int cgroup, pid_t pid);
static void read_place(pid_t pid, char *place, size_t size);

int op_start_anchor(struct context *context, const struct op_start_anchor *op) {
  (void)op;
  pid_t helper = getpid(), pid = fork();
  if (pid < 0) return fail(context, "fork", "");
  if (pid == 0) be_anchor(helper);
  context->anchor = pid;
  return 0;
}

int op_end_anchor(struct context *context, const struct op_end_anchor *op) {
  (void)op;
  end_anchor(context);
  return 0;
}

/*
 * That systemd says "done" is not enough: whoever is not in the scope would run without its limits (crun#331, runc#3780). The look is at
 * the cgroup's own list, by the descriptor that is used from here on.
 */
int op_adopt_cgroup(struct context *context, const struct op_adopt_cgroup *op) {
  struct cgroup_path path;
  char place[512];
  pid_t pid = anchor_or_child(context, op->anchor);
  AUTO_CLOSE int mount = pid == 0 ? -1 : open_cgroup_mount(context, op->mountpoint);
  if (mount < 0 || split_cgroup_path(context, op->path, &path) < 0) return -1;
  AUTO_CLOSE int cgroup = open_in_cgroup(mount, path.text, O_RDONLY | O_DIRECTORY);
  if (cgroup < 0 && !is_gone(errno)) return fail(context, "openat2", op->path);
  if (RULE(SCOPE_VERIFIED) && (cgroup < 0 || !holds(cgroup, pid))) {
    read_place(pid, place, sizeof place);
    return fail_detail(context, EXDEV, "openat2", op->path, "found=%s", place);
  }
  if (*op->owner != '\0' && (mark_cgroup(cgroup) < 0 || own_cgroup(cgroup, op->owner) < 0)) return fail(context, "fsetxattr", op->path);
  return slot_store(context, op->cgroup, steal_fd(&cgroup));
}

void end_anchor(struct context *context) {
  if (context->anchor == 0) return;
  kill(context->anchor, SIGKILL);
  reap(context->anchor);
  context->anchor = 0;
}

pid_t anchor_or_child(struct context *context, bool anchor) {
  pid_t pid = anchor ? context->anchor : context->child;
  if (pid > 0) return pid;
  (void)fail_with(context, ESRCH, "fork", "");
  return 0;
}

/* Every signal is blocked but SIGKILL. It holds nothing that is open. */
static _Noreturn void be_anchor(pid_t helper) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != helper) _exit(1);
  (void)syscall(SYS_close_range, 0u, ~0u, 0u);
  for (;;) pause();
}

/* A scope that has just been made holds no more than a page of them. */
static bool holds(int cgroup, pid_t pid) {
  char processes[4096];
  if (read_cgroup_file(cgroup, "cgroup.procs", processes, sizeof processes) <= 0) return false;
  for (char *at = processes, *end; *at != '\0'; at = end + strspn(end, "\n")) {
    if (strtol(at, &end, 10) == pid) return true;
    if (end == at) return false;
  }
  return false;
}

/* What /proc says in the line "0::/a/b"; "" if it does not. */
static void read_place(pid_t pid, char *place, size_t size) {
  char path[32], text[4096];
  *place = '\0';
  snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
  AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length <= 0) return;
  text[length] = '\0';
  const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
  if (line == NULL) return;
  line = strstr(line, "0::") + 3;
  snprintf(place, size, "%.*s", (int)strcspn(line, "\n"), line);
}

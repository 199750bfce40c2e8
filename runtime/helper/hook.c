/* Hooks: programs of the configuration's author that run at a point of a container's life and can refuse what comes next. */
#include "krun.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"
#include "rules.h"
#include "signals.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* How its last words fit into a failure's detail, after the numbers. */
#define TAIL 900

struct run {
  pid_t pid;
  int process; /* a pidfd; -1 where seccomp forbids it: then its end is looked for every POLL_STEP */
  int output;
  int *error; /* shared: why it could not be executed */
  bool timed_out;
  size_t length;
  char tail[TAIL + 1];
};

#define POLL_STEP 10

static int carry_out(struct context *context, const struct op_hook *op);
static int open_state(struct context *context, const struct op_hook *op);
static int start(struct context *context, const struct op_hook *op, struct run *run);
static _Noreturn void become_hook(struct context *context, const struct op_hook *op, int state, int output, int *error);
static void enter_directory(struct context *context, const struct op_hook *op);
static char *const *environment_of(const struct op_hook *op);
static void execute_opened(struct context *context, const struct op_hook *op);
static int attend(struct context *context, const struct op_hook *op, struct run *run, int64_t begun);
static int wait_a_moment(struct context *context, const struct run *run, int milliseconds);
static bool is_setting_up(const struct context *context);
static void read_output(struct run *run);
static bool has_ended(const struct run *run);
static int judge(struct context *context, const struct op_hook *op, const struct run *run, int status, int64_t begun);
static int64_t now(void);

/* Its path is the host's, wherever it will run: config.md#createcontainer-hooks. */
int op_open_hook(struct context *context, const struct op_open_hook *op) {
  AUTO_CLOSE int program = open(op->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (program < 0) return fail(context, "open", op->path);
  return slot_store(context, op->program, steal_fd(&program));
}

int op_hook(struct context *context, const struct op_hook *op) {
  if (op->when != NO_SLOT && slot_empty(context, op->when)) return 0;
  if (!op->may_fail) return carry_out(context, op);
  bool failed = context->failed; /* the first failure stays the one that is reported */
  struct failure failure = context->failure;
  context->failed = false;
  if (carry_out(context, op) < 0 && context->warning_count < MAX_WARNINGS) context->warnings[context->warning_count++] = context->failure;
  context->failed = failed;
  context->failure = failure;
  return 0;
}

static int carry_out(struct context *context, const struct op_hook *op) {
  struct run run = {.process = -1, .output = -1};
  const int64_t begun = now();
  if (start(context, op, &run) < 0) return -1;
  int result = attend(context, op, &run, begun);
  if (result < 0 || run.timed_out) kill(-run.pid, SIGKILL);
  if (result < 0 || run.timed_out) kill(run.pid, SIGKILL);
  int status = reap(run.pid);
  read_output(&run);
  if (result == 0) result = judge(context, op, &run, status, begun);
  close_descriptor(&run.process);
  close_descriptor(&run.output);
  munmap(run.error, sizeof *run.error);
  return result;
}

static int start(struct context *context, const struct op_hook *op, struct run *run) {
  int ends[2];
  AUTO_CLOSE int state = open_state(context, op);
  if (state < 0) return -1;
  run->error = mmap(NULL, sizeof *run->error, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (run->error == MAP_FAILED) return fail(context, "mmap", op->path);
  if (pipe2(ends, O_CLOEXEC) < 0) return fail(context, "pipe2", op->path);
  run->output = ends[0];
  fcntl(run->output, F_SETFL, O_NONBLOCK);
  run->pid = fork();
  if (run->pid == 0) become_hook(context, op, state, ends[1], run->error);
  close(ends[1]);
  if (run->pid < 0) return fail(context, "fork", op->path);
  run->process = (int)syscall(SYS_pidfd_open, run->pid, 0);
  return 0;
}

/* A memory file: a hook that does not read its input must not hold us up, nor end us by SIGPIPE. */
static int open_state(struct context *context, const struct op_hook *op) {
  char pid[16] = "";
  if (op->after[0] != '\0') snprintf(pid, sizeof pid, "%d", !context->is_child ? context->init : context->attended ? getppid() : getpid());
  AUTO_CLOSE int state = memfd_create("state", MFD_CLOEXEC);
  if (state < 0) return fail(context, "memfd_create", op->path);
  const char *const parts[] = {op->before, pid, op->after};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (write_all(state, parts[i], strlen(parts[i])) < 0) return fail(context, "write", op->path);
  if (lseek(state, 0, SEEK_SET) < 0) return fail(context, "lseek", op->path);
  return steal_fd(&state);
}

static _Noreturn void become_hook(struct context *context, const struct op_hook *op, int state, int output, int *error) {
  setpgid(0, 0);
  if (dup2(state, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(127);
  (void)syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC); /* what the caller leaked to us is not for hooks */
  mode_t mask = umask(022);
  if (mask != 0) umask(mask); /* 0 is ours, for set-up */
  enter_directory(context, op);
  restore_signals();
  if (op->program != NO_SLOT) execute_opened(context, op);
  else execve(op->path, op->arguments.items, environment_of(op));
  *error = errno;
  _exit(127);
}

static void enter_directory(struct context *context, const struct op_hook *op) {
  if (op->root != NO_SLOT && !slot_empty(context, op->root) && fchdir(context->slots[op->root]) == 0) return;
  if (op->directory[0] != '\0' && chdir(op->directory) < 0) (void)!chdir("/"); /* the bundle may have gone before poststop */
}

/* Neither what an image chose nor the caller's: CVE-2025-23266. */
static char *const *environment_of(const struct op_hook *op) {
  return RULE(HOOK_ENVIRONMENT) ? op->environment.items : environ;
}

/* By its name where that still leads to it, as scripts like to see; else by /dev/fd, for which a script's descriptor must stay open. */
static void execute_opened(struct context *context, const struct op_hook *op) {
  struct stat opened, named;
  int program = context->slots[op->program];
  if (fstat(program, &opened) == 0 && stat(op->path, &named) == 0 && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
    execve(op->path, op->arguments.items, environment_of(op));
    return;
  }
  char magic[2];
  if (pread(program, magic, 2, 0) == 2 && memcmp(magic, "#!", 2) == 0) fcntl(program, F_SETFD, 0);
  syscall(SYS_execveat, program, "", op->arguments.items, environment_of(op), AT_EMPTY_PATH);
}

/* Until it has ended, its time is over, or the caller wants us to leave. Daemons that it leaves may keep its output open: that is not waited for. */
static int attend(struct context *context, const struct op_hook *op, struct run *run, int64_t begun) {
  while (!has_ended(run)) {
    int64_t left = op->timeout == 0 ? INT_MAX : begun + (int64_t)op->timeout * 1000 - now();
    if (left <= 0) {
      run->timed_out = true;
      return 0;
    }
    int step = run->process < 0 ? POLL_STEP : INT_MAX;
    if (wait_a_moment(context, run, left < step ? (int)left : step) < 0) return -1;
    read_output(run);
  }
  return 0;
}

static int wait_a_moment(struct context *context, const struct run *run, int milliseconds) {
  AUTO_CLOSE int signals = context->is_child ? -1 : open_interrupts();
  struct pollfd ready[] = {{.fd = run->process, .events = POLLIN},
                           {.fd = run->output, .events = POLLIN},
                           {.fd = signals, .events = POLLIN},
                           {.fd = is_setting_up(context) ? context->line : -1}};
  while (poll(ready, 4, milliseconds) < 0)
    if (errno != EINTR) return fail(context, "poll", "");
  if ((ready[1].revents & (POLLIN | POLLHUP)) == POLLHUP && !has_ended(run)) { /* it has closed its output: only its end is left to wait for */
    struct pollfd rest[] = {ready[0], ready[2]};
    (void)poll(rest, 2, milliseconds < POLL_STEP ? milliseconds : POLL_STEP);
  }
  if ((ready[3].revents & POLLHUP) != 0) return child_vanished(context);
  return ready[2].revents != 0 ? refuse_interrupted(context) : 0;
}

/* Then init waits for this hook, and its end, such as by `delete --force`, is the hook's. */
static bool is_setting_up(const struct context *context) {
  return !context->is_child && !context->executed && context->init > 0;
}

/* Only the end is kept: that is where programs say why they give up. */
static void read_output(struct run *run) {
  char buffer[4096];
  ssize_t count;
  while ((count = read(run->output, buffer, sizeof buffer)) > 0) {
    size_t fresh = (size_t)count < TAIL ? (size_t)count : TAIL;
    size_t kept = run->length + fresh > TAIL ? TAIL - fresh : run->length;
    memmove(run->tail, run->tail + run->length - kept, kept);
    memcpy(run->tail + kept, buffer + count - fresh, fresh);
    for (size_t i = kept; i < kept + fresh; i++)
      if (run->tail[i] == '\0') run->tail[i] = ' ';
    run->length = kept + fresh;
  }
}

static bool has_ended(const struct run *run) {
  siginfo_t ended = {0};
  return waitid(P_PID, (id_t)run->pid, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || ended.si_pid != 0;
}

static int judge(struct context *context, const struct op_hook *op, const struct run *run, int status, int64_t begun) {
  if (*run->error != 0) return fail_with(context, *run->error, "execve", op->path);
  if (status == 0 && !run->timed_out) return 0;
  const char *how = run->timed_out ? "timeout" : status > 128 ? "signal" : "status";
  int number = run->timed_out ? (int)op->timeout : status > 128 ? status - 128 : status;
  return fail_detail(context, run->timed_out ? ETIMEDOUT : ECHILD, "hook", op->path, "%s=%d milliseconds=%lld output=%s", how, number,
                     (long long)(now() - begun), run->tail);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

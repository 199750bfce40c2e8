/*
 * --init: pid 1 stays with us, and its child becomes the container's process. From inside, pid 1 is in anybody's reach, so there must
 * be nothing in it to be had: it starts anew from the copy of the helper that nobody can write (seal.c), without the caller's
 * environment, arguments or descriptors, with no right but that to signal its child, and with the few system calls it needs.
 */
#include "init.h"

#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "krun.h"
#include "process.h"
#include "rules.h"

#define NAME "krun-init"
#define VARIABLE "KRUN_INIT"

#if defined __x86_64__
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static int await_init(struct context *context);
static void confine(pid_t child);
static _Noreturn void attend(pid_t child);
static void reap_all(pid_t child);
static void check(int result, const char *what);

/* In the helper: in init /proc may be somebody else's. */
int op_open_helper(struct context *context, const struct op_open_helper *op) {
  (void)op;
  context->helper = open("/proc/self/exe", O_PATH | O_CLOEXEC);
  return context->helper < 0 ? fail(context, "open", "/proc/self/exe") : 0;
}

/* In init, and before its limits, under which there may be no descriptor to be had. */
int op_prepare_init(struct context *context, const struct op_prepare_init *op) {
  (void)op;
  return pipe2(context->ready, O_CLOEXEC) < 0 ? fail(context, "pipe2", "") : 0;
}

int op_fork(struct context *context, const struct op_fork *op) {
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail(context, "clone3", "");
  if (pid > 0) {
    context->own_child = pid;
    run_child(context, &op->program);
  }
  return await_init(context);
}

/* Nothing of the container's may run before its first process is what it is to be. If that fails, it has said so itself. */
static int await_init(struct context *context) {
  char byte;
  context->attended = true;
  close(context->ready[1]);
  ssize_t length;
  do length = read(context->ready[0], &byte, 1);
  while (length < 0 && errno == EINTR);
  if (length != 1) _exit(1);
  close(context->ready[0]);
  close(context->helper);
  context->ready[0] = context->ready[1] = context->helper = -1;
  return 0;
}

/* 0 to 2 go as well: a pipe is to end when the container's process closes it. */
int op_become_init(struct context *context, const struct op_become_init *op) {
  (void)op;
  char name[] = NAME, variable[64];
  char *const arguments[] = {name, NULL}, *const environment[] = {variable, NULL};
  snprintf(variable, sizeof variable, VARIABLE "=%d:%d", (int)context->own_child, context->ready[1]);
  if (syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) return fail(context, "close_range", "");
  if (fcntl(context->ready[1], F_SETFD, 0) < 0) return fail(context, "fcntl", "");
  syscall(SYS_execveat, context->helper, "", arguments, environment, AT_EMPTY_PATH);
  return fail(context, "execveat", NAME);
}

/* Signals are blocked since before the clone, and stay so: none is lost, and none ends us (signal(7), pid_namespaces(7)). */
void be_init(int argc, char **argv) {
  int child, ready;
  const char *value = getenv(VARIABLE);
  if (argc != 1 || strcmp(argv[0], NAME) != 0 || value == NULL || sscanf(value, "%d:%d", &child, &ready) != 2) return;
  check(prctl(PR_SET_NAME, NAME), "PR_SET_NAME");
  if (getpid() != 1) check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER");
  confine(child);
  check(write_all(ready, "", 1), "write");
  close(ready);
  attend(child);
}

/* A container whose root may trace processes gets nothing by us, either: what it can make us do is what the filter leaves. */
static void confine(pid_t child) {
  const struct sock_filter program[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 0, 9),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigtimedwait, 8, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_wait4, 7, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 5, 0), /* there is but one descriptor, and soon none */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 0, 2),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])), /* the low half, on both architectures */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)child, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = (struct sock_filter *)program};
  if (RULE(INIT_HIDDEN)) check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE");
  if (!RULE(INIT_CONFINED)) return;
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
  check((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
}

/* All 64 signals, by the kernel's own set: a libc keeps some to itself. What pid 1 is sent, its child is sent, as if it were that. */
static _Noreturn void attend(pid_t child) {
  const uint64_t all = UINT64_MAX;
  for (;;) {
    reap_all(child);
    int signal = (int)syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof all);
    if (signal > 0 && signal != SIGCHLD) (void)kill(child, signal); /* not reaped, so its pid is its own */
  }
}

static void reap_all(pid_t child) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0;)
    if (pid == child) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void check(int result, const char *what) {
  if (result < 0) die("the first process cannot be set up:", what, errno);
}

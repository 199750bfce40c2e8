/* The last op: from here on the process is the container's. */
#include "krun.h"

#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "diagnosis.h"

static void restore_signals(void);
static void add_home(const struct context *context, const struct strings *environment, char *variable, size_t size);

int op_execute(struct context *context, const struct op_execute *op) {
  char home[PATH_MAX + sizeof "HOME="];
  add_home(context, &op->environment, home, sizeof home);
  restore_signals();
  execve(context->program, op->arguments.items, op->environment.items);
  int error = errno;
  char facts[sizeof context->failure.detail];
  diagnose_program(context->program, facts, sizeof facts);
  return fail_detail(context, error, "execve", context->program, "%s", facts);
}

/* execve leaves ignored signals ignored, and the mask: the container's process is to see neither the caller's nor ours. */
static void restore_signals(void) {
  const struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } standard = {0}; /* SIG_DFL; the kernel's own layout, since a libc keeps some real-time signals to itself */
  for (int signal = 1; signal <= 64; signal++)
    if (signal != SIGKILL && signal != SIGSTOP) syscall(SYS_rt_sigaction, signal, &standard, NULL, sizeof standard.mask);
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/* In place: under the container's own limits there may be no memory to be had. */
static void add_home(const struct context *context, const struct strings *environment, char *variable, size_t size) {
  if (context->home[0] == '\0') return;
  for (uint32_t i = 0; i < environment->count; i++)
    if (strncmp(environment->items[i], "HOME=", 5) == 0) return;
  snprintf(variable, size, "HOME=%s", context->home);
  environment->items[environment->count] = variable;
  environment->items[environment->count + 1] = NULL;
}

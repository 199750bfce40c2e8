#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

static sigset_t interrupts(void);

void block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  signal(SIGCHLD, SIG_DFL); /* a caller that ignores it would have our children reaped for us */
}

int open_interrupts(void) {
  const sigset_t set = interrupts();
  return signalfd(-1, &set, SFD_CLOEXEC);
}

int refuse_interrupted(struct context *context) {
  const sigset_t set = interrupts();
  const struct timespec now = {0};
  int signal = sigtimedwait(&set, NULL, &now);
  if (signal < 0) return 0;
  context->interrupted = signal;
  return fail_with(context, EINTR, "", "");
}

/* execve leaves ignored signals ignored, and the mask: the container's process is to see neither the caller's nor ours. */
void restore_signals(void) {
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

static sigset_t interrupts(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGQUIT);
  sigaddset(&set, SIGTERM);
  return set;
}

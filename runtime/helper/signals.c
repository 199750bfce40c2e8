#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
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

static sigset_t interrupts(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGQUIT);
  sigaddset(&set, SIGTERM);
  return set;
}

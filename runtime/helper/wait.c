/* Waiting for the container's process, as its stand-in before the caller: what we are sent, it is sent. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "krun.h"
#include "process.h"
#include "wait.h"

int op_wait(struct context *context, const struct op_wait *op) {
  (void)op;
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    int ended = has_ended(context);
    if (ended != 0) return ended < 0 ? -1 : take_status(context);
    int signal = sigwaitinfo(&all, NULL);
    if (signal > 0 && is_forwarded(signal)) kill(context->init, signal); /* our own child, not reaped: the pid is its own */
  }
}

int has_ended(struct context *context) {
  siginfo_t ended = {0};
  if (waitid(P_PID, (id_t)context->init, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return fail(context, "waitid", "");
  return ended.si_pid != 0;
}

int take_status(struct context *context) {
  context->exit_status = reap(context->init);
  if (context->child == context->init) context->child = 0;
  context->init = 0;
  return 0;
}

/* SIGCHLD is about us; SIGURG is Node's and Go's own; SIGWINCH is for whoever owns the terminal. */
bool is_forwarded(int signal) {
  return signal != SIGCHLD && signal != SIGURG && signal != SIGWINCH;
}

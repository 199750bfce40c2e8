/* Waiting for the container's process, as its stand-in before the caller: what we are sent, it is sent. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "krun.h"
#include "process.h"
#include "wait.h"

static void reap_orphans(const struct context *context);

int op_set_subreaper(struct context *context, const struct op_set_subreaper *op) {
  (void)op;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return fail(context, "prctl", "PR_SET_CHILD_SUBREAPER");
  context->subreaper = true;
  return 0;
}

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
  if (context->subreaper) reap_orphans(context);
  if (waitid(P_PID, (id_t)context->init, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return fail(context, "waitid", "");
  return ended.si_pid != 0;
}

/* Not init, whose status is wanted, nor a stage: what they leave is looked at elsewhere. A supervisor that has answered may go here. */
static void reap_orphans(const struct context *context) {
  for (siginfo_t ended = {0};; ended.si_pid = 0) {
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || ended.si_pid == 0) return;
    if (ended.si_pid == context->init || ended.si_pid == context->child) return;
    reap(ended.si_pid);
  }
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

/* Waiting for the container's process, as its stand-in before the caller: what we are sent, it is sent. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "krun.h"
#include "launch.h"
#include "process.h"
#include "wait.h"

static void reap_orphans(const struct context *context);
static bool is_forwarded(int signal);

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
    if (signal > 0) pass_on_signal(context, signal);
  }
}

int has_ended(struct context *context) {
  siginfo_t ended = {0};
  if (context->subreaper) reap_orphans(context);
  if (waitid(P_PID, (id_t)context->init, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return fail(context, "waitid", "");
  context->ended_by = ended.si_pid == 0 || ended.si_code == CLD_EXITED ? 0 : ended.si_status;
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

/* To our own child, not reaped: the pid is its own. */
void pass_on_signal(struct context *context, int signal) {
  if (is_call_over(context, signal)) kill(context->init, SIGKILL);
  else if (is_forwarded(signal)) kill(context->init, signal);
}

/* SIGCHLD is about us; SIGURG is Node's and Go's own; SIGWINCH is for whoever owns the terminal. */
static bool is_forwarded(int signal) {
  return signal != SIGCHLD && signal != SIGURG && signal != SIGWINCH;
}

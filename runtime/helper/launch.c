#include "launch.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "encode.h"
#include "exits.h"
#include "follow-up.h"

static void tell_outcome(struct context *context);
static void tell_failure(const struct context *context, enum report_kind kind, const struct failure *failure);
static bool tell_follow_up(const struct context *context);
static void tell_result(const struct context *context);
static struct encoded begin_report(const struct context *context, enum report_kind kind);
static int tell(const struct context *context, struct encoded *report);

_Noreturn void carry_out_call(struct launch *launch, const struct plan *plan) {
  static struct context context;
  context.launch = launch;
  carry_out(&context, plan);
  tell_outcome(&context);
  _exit(0);
}

int op_announce(struct context *context, const struct op_announce *op) {
  (void)op;
  if (context->launch == NULL) return fail_with(context, ENOTCONN, "send", "");
  struct encoded report = begin_report(context, REPORT_STARTED);
  put_u32(&report, (uint32_t)context->init);
  return tell(context, &report) < 0 ? fail(context, "send", "") : 0;
}

bool is_call_over(const struct context *context, int signal) {
  if (context->launch == NULL) return false;
  sigset_t pending;
  sigpending(&pending);
  return signal == SIGNAL_OVER || sigismember(&pending, SIGNAL_OVER) == 1 || getppid() != context->launch->launcher;
}

/* Who has gone cannot be told: what was to be cleared up is cleared up all the same. */
static void tell_outcome(struct context *context) {
  for (uint32_t i = 0; i < context->warning_count; i++) tell_failure(context, REPORT_WARNING, &context->warnings[i]);
  if (!context->failed && context->follow_up.memo != NULL && !tell_follow_up(context)) (void)fail(context, "send", "");
  if (context->failed && context->interrupted == 0) tell_failure(context, REPORT_FAILURE, &context->failure);
  tell_result(context);
}

static void tell_failure(const struct context *context, enum report_kind kind, const struct failure *failure) {
  struct encoded report = begin_report(context, kind);
  put_failure(&report, failure);
  (void)tell(context, &report);
}

static bool tell_follow_up(const struct context *context) {
  struct encoded report = begin_report(context, REPORT_FOLLOW_UP);
  put_string(&report, context->follow_up.memo);
  put_bytes(&report, context->follow_up.input, context->follow_up.length);
  return tell(context, &report) == 0;
}

static void tell_result(const struct context *context) {
  struct encoded report = begin_report(context, REPORT_RESULT);
  put_u32(&report, (uint32_t)context->exit_status);
  put_u32(&report, (uint32_t)(context->interrupted != 0 ? context->interrupted : context->ended_by));
  put_u32(&report, context->interrupted != 0);
  (void)tell(context, &report);
}

static struct encoded begin_report(const struct context *context, enum report_kind kind) {
  struct encoded report = {0};
  begin_frame(&report, FRAME_REPORT);
  put_u32(&report, kind);
  put_u32(&report, context->launch->call);
  return report;
}

static int tell(const struct context *context, struct encoded *report) {
  ssize_t sent;
  end_frame(report);
  do sent = send(context->launch->line, report->data, report->length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  free(report->data);
  return sent < 0 ? -1 : 0;
}

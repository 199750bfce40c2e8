/* One call of a launcher: the helper that carries it out, and what it tells the Node program that has made the call. */
#pragma once
#include "plan.h"

/* What a report is about: see runtime/channel/launcher-messages.ts. */
enum report_kind {
  REPORT_PREPARED = 1,
  REPORT_STARTED = 2,
  REPORT_FAILURE = 3,
  REPORT_WARNING = 4,
  REPORT_FOLLOW_UP = 5,
  REPORT_RESULT = 6,
  REPORT_GONE = 7,
};

/* With it the container is killed: to us SIGKILL itself would leave all that we clear up. Two signals, as set-up ends by SIGTERM. */
#define SIGNAL_OVER 64

struct launch {
  int line; /* SOCK_SEQPACKET: a report each */
  uint32_t call;
  pid_t launcher;
};

/* In a child of the launcher: carries the plan out and leaves. */
_Noreturn void carry_out_call(struct launch *launch, const struct plan *plan);

/* Whether a signal says that the call is over: SIGNAL_OVER has come, or the launcher has gone. Never for a helper that was not launched. */
bool is_call_over(const struct context *context, int signal);

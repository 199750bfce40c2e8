/* How a helper begins and ends with a plan. */
#pragma once
#include "krun.h"
#include "plan.h"

/* The whole of a plan, onExit programs included: what came of it is in the context. */
void carry_out(struct context *context, const struct plan *plan);

void open_context(struct context *context, const struct plan *plan);
void close_context(struct context *context);

/* Ends what the plan started and runs the onExit programs, last pushed first, each op of them whatever the one before did. */
void run_exits(struct context *context);

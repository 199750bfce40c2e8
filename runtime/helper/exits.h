/* How a helper begins and ends with a plan. */
#pragma once
#include "krun.h"
#include "plan.h"

void open_context(struct context *context, const struct plan *plan);
void close_context(struct context *context);

/* Ends what the plan started and runs the onExit programs, last pushed first, each op of them whatever the one before did. */
void run_exits(struct context *context);

/* Signals are blocked from the first line on: they are taken when the plan is ready for them. */
#pragma once
#include "krun.h"

void block_signals(void);

/* Before execve: no mask, and each signal's own action. */
void restore_signals(void);

/* A signalfd of the signals that end a start (SIGHUP, SIGINT, SIGQUIT, SIGTERM); it does not take them. */
int open_interrupts(void);

/* Fails (quietly: context->interrupted says why) when one of those has come. */
int refuse_interrupted(struct context *context);

/* Waiting for init: what wait and relay share. */
#pragma once
#include "krun.h"

/* 1 if init has ended (it is not reaped yet), 0 if not; or -1. */
int has_ended(struct context *context);

/* What the helper is sent is for init, but for what is about the helper itself. */
void pass_on_signal(struct context *context, int signal);

/* Reap init, which has ended: its status becomes the helper's. */
int take_status(struct context *context);

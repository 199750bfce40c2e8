/* Where the time of a call goes: --timing. */
#pragma once
#include "krun.h"

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t now_nanoseconds(void);

/* An op that began then is over; does nothing unless startTiming has asked for it. */
void note_op(struct context *context, const struct op *op, uint64_t began);

void end_timing(struct context *context);

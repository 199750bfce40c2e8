/* How a dialogue with criu is broken off. */
#pragma once
#include "krun.h"

/* Ends the line, by which criu puts the processes back as they were or ends what it has restored, and reaps it. */
void stop_criu(struct context *context);

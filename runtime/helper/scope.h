/* The anchor of a scope of systemd, and who is meant by an op that names it or the process last cloned. */
#pragma once
#include "krun.h"

/* Kill and reap it, if there is one. */
void end_anchor(struct context *context);

/* 0 with the failure recorded when there is no such process. */
pid_t anchor_or_child(struct context *context, bool anchor);

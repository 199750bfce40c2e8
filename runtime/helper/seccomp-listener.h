/* Where helper and init meet over a seccomp listener. */
#pragma once
#include "krun.h"

/* In the helper, at the end of a plan. */
void forget_listener(struct context *context);

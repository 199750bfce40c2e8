/* The gate of a created container: between `create`, which leaves, and `start`, which comes later and hears how it went. */
#pragma once
#include "krun.h"

/* In init, once the gate is passed: what `start` waits for. Nobody may be listening any more. */
int report_executed(struct context *context);
/* The same when something failed: with its op's name and place, of which `start` has no table. Ends the process. */
_Noreturn void report_failed(struct context *context);

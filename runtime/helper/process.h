/* The line between the helper and the processes of its plan, and their end. */
#pragma once
#include "krun.h"

int announce_execute(struct context *context);

/* Wait until there is something to read, but not longer than the caller wants us to go on. */
int await_line(struct context *context, int line);

/* Kill and reap what clone made and nothing has waited for. */
void end_child(struct context *context);

/* In a child: runs a program, whose last op may not come back, and ends; a failure goes to the helper. */
_Noreturn void run_child(struct context *context, const struct program *program);

/* Reap pid; its exit code, or 128 + the signal; -1 when it is no child of ours. */
int reap(pid_t pid);

/* The line between the helper and the processes of its plan, and their end. */
#pragma once
#include "krun.h"

int announce_execute(struct context *context);

/* Wait until there is something to read, but not longer than the caller wants us to go on. */
int await_line(struct context *context, int line);

/* Hear one record of init's, if there is one within this time; 0, or -1 when it has failed or gone. */
int hear_within(struct context *context, int milliseconds);

/* A word that says nothing, from init to the helper or back: that there is something to see. Whether it arrives is not told. */
void knock(struct context *context);

/* In init: wait for the helper's knock; false when the helper has gone. It may come back before. */
bool hear_knock(struct context *context);

/* The line ended without a word: reaps init and fails with what ended it. */
int child_vanished(struct context *context);

/* Kill and reap what clone made and nothing has waited for. */
void end_child(struct context *context);

/* In a child: runs a program, whose last op may not come back, and ends; a failure goes to the helper. */
_Noreturn void run_child(struct context *context, const struct program *program);

/* Reap pid; its exit code, or 128 + the signal; -1 when it is no child of ours. */
int reap(pid_t pid);

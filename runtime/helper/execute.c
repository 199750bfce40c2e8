/* The last op: from here on the process is the container's. */
#include "krun.h"

#include <stdio.h>

#include "diagnosis.h"
#include "signals.h"

static void add_home(const struct context *context, const struct strings *environment, char *variable, size_t size);

int op_execute(struct context *context, const struct op_execute *op) {
  char home[PATH_MAX + sizeof "HOME="];
  add_home(context, &op->environment, home, sizeof home);
  restore_signals();
  execve(context->program, op->arguments.items, op->environment.items);
  int error = errno;
  char facts[sizeof context->failure.detail];
  diagnose_program(context->program, facts, sizeof facts);
  return fail_detail(context, error, "execve", context->program, "%s", facts);
}

/* In place: under the container's own limits there may be no memory to be had. */
static void add_home(const struct context *context, const struct strings *environment, char *variable, size_t size) {
  if (context->home[0] == '\0') return;
  for (uint32_t i = 0; i < environment->count; i++)
    if (strncmp(environment->items[i], "HOME=", 5) == 0) return;
  snprintf(variable, size, "HOME=%s", context->home);
  environment->items[environment->count] = variable;
  environment->items[environment->count + 1] = NULL;
}

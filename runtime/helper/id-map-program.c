/* newuidmap(1) and newgidmap(1), which may map what an administrator gave the caller: subuid(5). */
#include <stdio.h>

#include "krun.h"

#define MAX_WORDS (3 * 340) /* user_namespaces(7): a map has 340 lines */

/* A hook without a state: its end, its last words and whoever ends us meanwhile are its concern too. */
int op_run_id_map_program(struct context *context, const struct op_run_id_map_program *op) {
  char pid[16], *words[2 + MAX_WORDS + 1] = {(char *)op->program, pid}, *none[] = {NULL};
  if (op->map.count > MAX_WORDS) return fail_with(context, E2BIG, "execve", op->program);
  if (context->init <= 0) return fail_with(context, ESRCH, "execve", op->program);
  snprintf(pid, sizeof pid, "%d", (int)context->init);
  memcpy(words + 2, op->map.items, op->map.count * sizeof *words);
  const struct op_hook program = {
    .path = op->program,
    .program = NO_SLOT,
    .arguments = {.items = words, .count = 2 + op->map.count},
    .environment = {.items = none},
    .before = "",
    .after = "",
    .directory = "/",
    .root = NO_SLOT,
    .when = NO_SLOT,
  };
  return op_hook(context, &program);
}

#include "exits.h"

#include "process.h"

int op_on_exit(struct context *context, const struct op_on_exit *op) {
  if (context->exit_count == MAX_EXITS) return fail_with(context, E2BIG, "onExit", "");
  context->exits[context->exit_count++] = &op->program;
  return 0;
}

int op_forget_exits(struct context *context, const struct op_forget_exits *op) {
  (void)op;
  context->exit_count = 0;
  return 0;
}

/* What has become the container's process by now is left behind: the caller, or its subreaper, waits for it. */
int op_exit(struct context *context, const struct op_exit *op) {
  if (context->executed) context->init = context->child = 0;
  context->exit_status = (int)op->status;
  context->leaving = true;
  return 0;
}

int op_when_filled(struct context *context, const struct op_when_filled *op) {
  return slot_empty(context, op->slot) ? 0 : run_program(context, &op->program);
}

void run_exits(struct context *context) {
  end_child(context);
  context->leaving = false;
  while (context->exit_count > 0) {
    const struct program *program = context->exits[--context->exit_count];
    for (uint32_t i = 0; i < program->count; i++) {
      context->current = &program->ops[i];
      (void)run_op(context, &program->ops[i]); /* the first failure is kept; the rest is cleared up all the same */
    }
  }
}

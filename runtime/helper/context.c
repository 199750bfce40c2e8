/* The context of a plan: its slots, its first failure, and the loop that runs a program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "exits.h"
#include "krun.h"
#include "process.h"
#include "timing.h"
#include "seccomp-listener.h"

void carry_out(struct context *context, const struct plan *plan) {
  open_context(context, plan);
  run_program(context, &plan->program);
  run_exits(context);
  close_context(context);
}

void open_context(struct context *context, const struct plan *plan) {
  if (context->plan != NULL) memset(context, 0, sizeof *context); /* it has served another plan; else it is zero */
  context->plan = plan;
  context->slot_count = plan->slot_count;
  context->line = context->init_pidfd = context->gate = context->report = -1;
  context->helper = context->ready[0] = context->ready[1] = -1;
  context->slots = malloc((plan->slot_count + 1) * sizeof *context->slots);
  if (context->slots == NULL) die("malloc", "", ENOMEM);
  for (uint32_t i = 0; i < plan->slot_count; i++) context->slots[i] = -1;
}

void close_context(struct context *context) {
  for (uint32_t i = 0; i < context->slot_count; i++) close_descriptor(&context->slots[i]);
  close_descriptor(&context->line);
  close_descriptor(&context->init_pidfd);
  close_descriptor(&context->gate);
  close_descriptor(&context->report);
  close_descriptor(&context->helper);
  forget_listener(context);
  end_timing(context);
  free(context->slots);
  context->slots = NULL;
  context->slot_count = 0;
}

int run_program(struct context *context, const struct program *program) {
  for (uint32_t i = 0; i < program->count && !context->leaving; i++) {
    const struct op *op = &program->ops[i];
    context->current = op;
    if (op->code == OP_EXECUTE && announce_execute(context) < 0) return -1;
    uint64_t began = context->timing == NULL ? 0 : now_nanoseconds();
    if (test_op(context, op) < 0 || run_op(context, op) < 0) return -1;
    note_op(context, op, began);
  }
  return 0;
}

int fail(struct context *context, const char *syscall, const char *path) {
  return fail_with(context, errno, syscall, path);
}

int fail_with(struct context *context, int error, const char *syscall, const char *path) {
  return fail_detail(context, error, syscall, path, "%s", "");
}

int fail_detail(struct context *context, int error, const char *syscall, const char *path, const char *format, ...) {
  if (context->failed) return -1;
  struct failure *failure = &context->failure;
  context->failed = true;
  failure->op = context->current;
  failure->error = error;
  snprintf(failure->syscall, sizeof failure->syscall, "%s", syscall);
  snprintf(failure->path, sizeof failure->path, "%s", path);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->detail, sizeof failure->detail, format, arguments);
  va_end(arguments);
  return -1;
}

int slot_fd(struct context *context, uint32_t slot) {
  if (!slot_empty(context, slot)) return context->slots[slot];
  return fail_detail(context, EBADF, "", "", "slot=%u", slot);
}

bool slot_empty(const struct context *context, uint32_t slot) {
  return slot >= context->slot_count || context->slots[slot] < 0;
}

int slot_store(struct context *context, uint32_t slot, int fd) {
  if (slot >= context->slot_count) {
    close_descriptor(&fd);
    return fail_detail(context, EBADF, "", "", "slot=%u", slot);
  }
  close_descriptor(&context->slots[slot]);
  context->slots[slot] = fd;
  return 0;
}

void slot_close(struct context *context, uint32_t slot) {
  if (slot_empty(context, slot)) return;
  close(context->slots[slot]);
  context->slots[slot] = -1;
}

int write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    ssize_t written = write(fd, at, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    at += written;
    length -= (size_t)written;
  }
  return 0;
}

_Noreturn void die(const char *what, const char *path, int error) {
  dprintf(2, "krun: %s%s%s: %s\n", what, *path ? " " : "", path, strerror(error));
  _exit(1);
}

/* libFuzzer's target: whatever bytes come as a plan's body, the reader either refuses them or leaves pointers inside the body. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static void check_program(const struct plan *plan, const struct program *program);
static void check_field(const struct plan *plan, enum field_kind kind, const void *field);
static void check_inside(const struct plan *plan, const void *start, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > UINT32_MAX) return -1;
  uint8_t *body = malloc(size + 1);
  if (body == NULL) return -1;
  memcpy(body, data, size);
  struct plan plan;
  if (read_plan(body, (uint32_t)size, &plan) == NULL) check_program(&plan, &plan.program);
  free_plan(&plan);
  return 0;
}

static void check_program(const struct plan *plan, const struct program *program) {
  for (uint32_t i = 0; i < program->count; i++) {
    const struct op *op = &program->ops[i];
    if (op < plan->ops || op >= plan->ops + plan->op_count || op->code >= OP_COUNT) abort();
    check_inside(plan, op->pointer, strlen(op->pointer) + 1);
    for (uint32_t j = 0; j < op_kinds[op->code].field_count; j++) {
      const struct field *field = &op_kinds[op->code].fields[j];
      check_field(plan, field->kind, (const char *)op + field->offset);
    }
  }
}

static void check_field(const struct plan *plan, enum field_kind kind, const void *field) {
  switch (kind) {
    case FIELD_U32:
    case FIELD_I32:
    case FIELD_U64: return;
    case FIELD_BOOL:
      if (*(const uint32_t *)field > 1) abort();
      return;
    case FIELD_SLOT: {
      uint32_t slot = *(const uint32_t *)field;
      if (slot != NO_SLOT && slot >= plan->slot_count) abort();
      return;
    }
    case FIELD_STRING: {
      const char *string = *(const char *const *)field;
      check_inside(plan, string, strlen(string) + 1);
      return;
    }
    case FIELD_BYTES: {
      const struct bytes *bytes = field;
      check_inside(plan, bytes->data, bytes->length);
      return;
    }
    case FIELD_U32S: {
      const struct u32s *values = field;
      check_inside(plan, values->items, (size_t)values->count * 4);
      return;
    }
    case FIELD_STRINGS: {
      const struct strings *strings = field;
      for (uint32_t i = 0; i < strings->count; i++) check_inside(plan, strings->items[i], strlen(strings->items[i]) + 1);
      if (strings->items[strings->count] != NULL) abort();
      return;
    }
    case FIELD_OPS: check_program(plan, field); return;
  }
  abort();
}

static void check_inside(const struct plan *plan, const void *start, size_t length) {
  const uint8_t *at = start;
  if (at < plan->body || at + length > plan->body + plan->length) abort();
}

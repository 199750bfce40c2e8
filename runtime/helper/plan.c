/* Reads a plan's body: bounds, counts, strings and slots are all checked here, so that the ops need not. */
#include "plan.h"

#include <stdlib.h>

#define MAX_SLOTS 8192
#define MAX_OPS 65536
#define MAX_DEPTH 8
#define MAX_LIST 1048576

struct reader {
  uint8_t *at;
  uint8_t *end;
  struct plan *plan;
  uint32_t placed; /* ops that have a place in plan->ops */
  uint32_t numbered;
  const char *why;
};

static const struct program *program_of(const struct op *op);
static bool read_program(struct reader *reader, struct program *program, int depth);
static bool read_op(struct reader *reader, struct op *op, int depth);
static bool read_field(struct reader *reader, enum field_kind kind, void *field, int depth);
static bool read_slot(struct reader *reader, uint32_t *slot);
static bool read_string(struct reader *reader, const char **string);
static bool read_strings(struct reader *reader, struct strings *strings);
static bool read_u32s(struct reader *reader, struct u32s *values);
static bool read_bytes(struct reader *reader, struct bytes *bytes);
static bool read_u32(struct reader *reader, uint32_t *value);
static bool take(struct reader *reader, uint32_t length, uint8_t **start);
static bool refuse(struct reader *reader, const char *why);

const char *read_plan(uint8_t *body, uint32_t length, struct plan *plan) {
  *plan = (struct plan){.body = body, .length = length};
  struct reader reader = {.at = body, .end = body + length, .plan = plan};
  if (!read_u32(&reader, &plan->slot_count) || !read_u32(&reader, &plan->op_count)) return reader.why;
  if (plan->slot_count > MAX_SLOTS) return "too many slots";
  if (plan->op_count > MAX_OPS) return "too many ops";
  plan->ops = calloc(plan->op_count + 1, sizeof *plan->ops);
  if (plan->ops == NULL) return "out of memory";
  if (!read_program(&reader, &plan->program, 0)) return reader.why;
  if (reader.at != reader.end) return "bytes after the last op";
  return NULL;
}

void free_plan(struct plan *plan) {
  for (uint32_t i = 0; i < plan->op_count && plan->ops != NULL; i++) {
    if (plan->ops[i].pointer == NULL) continue;
    const struct op_kind *kind = &op_kinds[plan->ops[i].code];
    for (uint32_t j = 0; j < kind->field_count; j++)
      if (kind->fields[j].kind == FIELD_STRINGS) free(((struct strings *)((char *)&plan->ops[i] + kind->fields[j].offset))->items);
  }
  free(plan->ops);
  free(plan->body);
  *plan = (struct plan){0};
}

const struct op *find_op(const struct program *program, uint32_t index) {
  for (uint32_t i = 0; i < program->count; i++) {
    const struct op *op = &program->ops[i];
    if (op->index == index) return op;
    const struct program *nested = program_of(op);
    const struct op *found = nested == NULL ? NULL : find_op(nested, index);
    if (found != NULL) return found;
  }
  return NULL;
}

static const struct program *program_of(const struct op *op) {
  switch (op->code) {
    case OP_CLONE: return &op->clone_op.program;
    case OP_FORK: return &op->fork_op.program;
    case OP_ON_EXIT: return &op->on_exit_op.program;
    case OP_WHEN_FILLED: return &op->when_filled_op.program;
    case OP_WHEN_COUNTED: return &op->when_counted_op.program;
    default: return NULL;
  }
}

/* A program's ops lie side by side; those nested in them come after. */
static bool read_program(struct reader *reader, struct program *program, int depth) {
  if (depth > MAX_DEPTH) return refuse(reader, "programs nested too deep");
  uint32_t count;
  if (!read_u32(reader, &count)) return false;
  if (count > reader->plan->op_count - reader->placed) return refuse(reader, "more ops than announced");
  *program = (struct program){.ops = reader->plan->ops + reader->placed, .count = count};
  reader->placed += count;
  for (uint32_t i = 0; i < count; i++)
    if (!read_op(reader, &program->ops[i], depth)) return false;
  return true;
}

static bool read_op(struct reader *reader, struct op *op, int depth) {
  uint32_t code;
  if (!read_u32(reader, &code)) return false;
  if (code >= OP_COUNT) return refuse(reader, "unknown op");
  op->code = code;
  op->index = reader->numbered++;
  if (!read_string(reader, &op->pointer)) return false;
  const struct op_kind *kind = &op_kinds[code];
  for (uint32_t i = 0; i < kind->field_count; i++)
    if (!read_field(reader, kind->fields[i].kind, (char *)op + kind->fields[i].offset, depth)) return false;
  return true;
}

static bool read_field(struct reader *reader, enum field_kind kind, void *field, int depth) {
  switch (kind) {
    case FIELD_U32:
    case FIELD_I32: return read_u32(reader, field);
    case FIELD_BOOL: {
      if (!read_u32(reader, field)) return false;
      return *(uint32_t *)field <= 1 || refuse(reader, "a boolean is neither 0 nor 1");
    }
    case FIELD_U64: {
      uint8_t *start;
      if (!take(reader, 8, &start)) return false;
      memcpy(field, start, 8);
      return true;
    }
    case FIELD_STRING: return read_string(reader, field);
    case FIELD_BYTES: return read_bytes(reader, field);
    case FIELD_STRINGS: return read_strings(reader, field);
    case FIELD_U32S: return read_u32s(reader, field);
    case FIELD_SLOT: return read_slot(reader, field);
    case FIELD_OPS: return read_program(reader, field, depth + 1);
  }
  return refuse(reader, "unknown kind of field");
}

static bool read_slot(struct reader *reader, uint32_t *slot) {
  if (!read_u32(reader, slot)) return false;
  return *slot == NO_SLOT || *slot < reader->plan->slot_count || refuse(reader, "no such slot");
}

static bool read_string(struct reader *reader, const char **string) {
  uint32_t length;
  uint8_t *start;
  if (!read_u32(reader, &length)) return false;
  if (length == UINT32_MAX || !take(reader, length + 1, &start)) return refuse(reader, "a string runs past the end");
  if (start[length] != 0 || memchr(start, 0, length) != NULL) return refuse(reader, "a string holds or lacks a NUL");
  *string = (const char *)start;
  return true;
}

static bool read_strings(struct reader *reader, struct strings *strings) {
  uint32_t count;
  if (!read_u32(reader, &count)) return false;
  if (count > MAX_LIST || count > (uint32_t)(reader->end - reader->at) / 4) return refuse(reader, "a list runs past the end");
  strings->items = calloc(count + 2, sizeof *strings->items); /* execute may append one */
  if (strings->items == NULL) return refuse(reader, "out of memory");
  strings->count = count;
  for (uint32_t i = 0; i < count; i++)
    if (!read_string(reader, (const char **)&strings->items[i])) return false;
  return true;
}

static bool read_u32s(struct reader *reader, struct u32s *values) {
  uint8_t *start;
  if (!read_u32(reader, &values->count)) return false;
  if (values->count > MAX_LIST || !take(reader, values->count * 4, &start)) return refuse(reader, "a list runs past the end");
  values->items = (const uint32_t *)(const void *)start;
  return true;
}

static bool read_bytes(struct reader *reader, struct bytes *bytes) {
  uint8_t *start;
  if (!read_u32(reader, &bytes->length) || !take(reader, bytes->length, &start)) return refuse(reader, "bytes run past the end");
  bytes->data = start;
  return true;
}

static bool read_u32(struct reader *reader, uint32_t *value) {
  uint8_t *start;
  if (!take(reader, 4, &start)) return false;
  memcpy(value, start, 4);
  return true;
}

/* The next length bytes, and the padding to 4 behind them. */
static bool take(struct reader *reader, uint32_t length, uint8_t **start) {
  size_t left = (size_t)(reader->end - reader->at);
  size_t padded = ((size_t)length + 3) & ~(size_t)3;
  if (padded > left) return refuse(reader, "the plan is cut short");
  *start = reader->at;
  reader->at += padded;
  return true;
}

static bool refuse(struct reader *reader, const char *why) {
  reader->why = why;
  return false;
}

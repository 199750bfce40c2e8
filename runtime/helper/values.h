/* The values that a plan's fields hold; generated/ops.h builds on them. All of them point into the plan's own memory. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NO_SLOT UINT32_MAX

struct bytes {
  const uint8_t *data;
  uint32_t length;
};

/* items[count] is NULL, as execve(2) wants it; there is room for one more. */
struct strings {
  char **items;
  uint32_t count;
};

struct u32s {
  const uint32_t *items;
  uint32_t count;
};

struct op;

struct program {
  struct op *ops;
  uint32_t count;
};

enum field_kind { FIELD_U32, FIELD_I32, FIELD_U64, FIELD_BOOL, FIELD_STRING, FIELD_BYTES, FIELD_STRINGS, FIELD_U32S, FIELD_SLOT, FIELD_OPS };

struct field {
  enum field_kind kind;
  size_t offset;
};

struct op_kind {
  const char *name;
  const struct field *fields;
  uint32_t field_count;
};

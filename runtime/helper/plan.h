/* The plan as read from the channel: checked whole before anything is done. */
#pragma once
#include "krun.h"

/* Of the call, in nanoseconds of CLOCK_MONOTONIC. */
struct times {
  uint64_t begun, asked, answered;
  uint64_t resumed; /* in the sealed copy; 0: there is none */
};

struct plan {
  uint8_t *body;
  uint32_t length;
  uint32_t slot_count;
  uint32_t op_count;
  struct op *ops;
  struct program program;
  struct times times;
};

/* Reads body into plan (which points into body from then on). NULL, or why the body is refused. */
const char *read_plan(uint8_t *body, uint32_t length, struct plan *plan);
void free_plan(struct plan *plan);

/* The op of this number, or NULL: a child names its failed op so. */
const struct op *find_op(const struct program *program, uint32_t index);

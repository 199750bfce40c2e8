/* Times are noted by whoever carries out ops, helper and init alike, in memory that they share, and printed by the helper. */
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "plan.h"

#define MAX_NOTES 1024

struct note {
  const struct op *op; /* at the same place in helper and init */
  uint64_t began, ended;
  bool is_child;
};

struct timing {
  _Atomic uint32_t count;
  struct note notes[MAX_NOTES];
};

static void print_stage(const struct times *times, uint64_t at, const char *what);
static void print_note(const struct times *times, const struct note *note);
static int by_beginning(const void *one, const void *other);

uint64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int op_start_timing(struct context *context, const struct op_start_timing *op) {
  (void)op; /* what it says is printed at the end */
  void *memory = mmap(NULL, sizeof(struct timing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(context, "mmap", "");
  context->timing = memory;
  return 0;
}

void note_op(struct context *context, const struct op *op, uint64_t began) {
  if (context->timing == NULL || began == 0) return; /* 0: it has only just been asked for */
  uint32_t index = context->timing->count++;
  if (index >= MAX_NOTES) return;
  context->timing->notes[index] = (struct note){.op = op, .began = began, .ended = now_nanoseconds(), .is_child = context->is_child};
}

/* To standard error, a line a stage: when it began, in milliseconds from the call on, how long it took, who, what. */
int op_print_timing(struct context *context, const struct op_print_timing *op) {
  struct timing *timing = context->timing;
  const struct times *times = &context->plan->times;
  if (timing == NULL) return 0;
  char planned[128];
  snprintf(planned, sizeof planned, "helper  has the plan of %s supervisor, which took %.3f", op->home, op->microseconds / 1000.0);
  dprintf(2, "krun: where the time went, in milliseconds: begin, duration, who, what\n");
  print_stage(times, times->begun, "helper  begins");
  print_stage(times, times->asked, "helper  has asked");
  if (times->resumed != 0) print_stage(times, times->resumed, "helper  goes on from a copy that nobody can write");
  print_stage(times, times->answered, planned);
  uint32_t count = timing->count < MAX_NOTES ? timing->count : MAX_NOTES;
  qsort(timing->notes, count, sizeof *timing->notes, by_beginning);
  for (uint32_t i = 0; i < count; i++) print_note(times, &timing->notes[i]);
  print_stage(times, now_nanoseconds(), "done");
  return 0;
}

void end_timing(struct context *context) {
  if (context->timing != NULL) munmap(context->timing, sizeof *context->timing);
  context->timing = NULL;
}

static void print_stage(const struct times *times, uint64_t at, const char *what) {
  dprintf(2, "%9.3f %8s  %s\n", (double)(at - times->begun) / 1e6, "", what);
}

static void print_note(const struct times *times, const struct note *note) {
  dprintf(2, "%9.3f %8.3f  %-6s  %s%s%s\n", (double)(note->began - times->begun) / 1e6, (double)(note->ended - note->began) / 1e6,
          note->is_child ? "init" : "helper", op_kinds[note->op->code].name, *note->op->pointer == '\0' ? "" : " ", note->op->pointer);
}

static int by_beginning(const void *one, const void *other) {
  uint64_t a = ((const struct note *)one)->began, b = ((const struct note *)other)->began;
  return a < b ? -1 : a > b;
}

/* How the process is scheduled: policy, I/O priority, processors, memory nodes, and its execution domain. */
#include "krun.h"

#include <linux/mempolicy.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#define MAX_CPUS 8192
#define MAX_NODES 1024
#define WORD_BITS (8 * sizeof(unsigned long))
#define IOPRIO_WHO_PROCESS 1

/* sched_setattr(2); musl has none. */
struct scheduler_attributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
  uint32_t util_min;
  uint32_t util_max;
};

static int set_bits(struct context *context, const struct u32s *numbers, unsigned long *words, uint32_t limit, const char *syscall_name);

int op_set_scheduler(struct context *context, const struct op_set_scheduler *op) {
  struct scheduler_attributes attributes = {
    .size = sizeof attributes,
    .policy = op->policy,
    .flags = op->flags,
    .nice = op->nice,
    .priority = op->priority,
    .runtime = op->runtime,
    .deadline = op->deadline,
    .period = op->period,
  };
  return syscall(SYS_sched_setattr, 0, &attributes, 0) < 0 ? fail(context, "sched_setattr", "") : 0;
}

int op_set_io_priority(struct context *context, const struct op_set_io_priority *op) {
  return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, op->priority) < 0 ? fail(context, "ioprio_set", "") : 0;
}

/* No list: all processors that the cpuset leaves, so that the caller's own affinity does not bind the container; a refusal leaves it as it is. */
int op_set_affinity(struct context *context, const struct op_set_affinity *op) {
  unsigned long mask[MAX_CPUS / WORD_BITS] = {0};
  if (op->cpus.count == 0) {
    memset(mask, 0xff, sizeof mask);
    (void)syscall(SYS_sched_setaffinity, 0, sizeof mask, mask);
    return 0;
  }
  if (set_bits(context, &op->cpus, mask, MAX_CPUS, "sched_setaffinity") < 0) return -1;
  return syscall(SYS_sched_setaffinity, 0, sizeof mask, mask) < 0 ? fail(context, "sched_setaffinity", "") : 0;
}

/* The kernel reads maxnode - 1 bits. */
int op_set_memory_policy(struct context *context, const struct op_set_memory_policy *op) {
  unsigned long mask[MAX_NODES / WORD_BITS] = {0};
  if (set_bits(context, &op->nodes, mask, MAX_NODES, "set_mempolicy") < 0) return -1;
  bool none = op->nodes.count == 0;
  if (syscall(SYS_set_mempolicy, op->mode, none ? NULL : mask, none ? 0 : MAX_NODES + 1) < 0) return fail(context, "set_mempolicy", "");
  return 0;
}

int op_set_personality(struct context *context, const struct op_set_personality *op) {
  return personality(op->persona) < 0 ? fail(context, "personality", "") : 0;
}

static int set_bits(struct context *context, const struct u32s *numbers, unsigned long *words, uint32_t limit, const char *syscall_name) {
  for (uint32_t i = 0; i < numbers->count; i++) {
    uint32_t number = numbers->items[i];
    if (number >= limit) return fail_detail(context, EINVAL, syscall_name, "", "number=%u", number);
    words[number / WORD_BITS] |= 1ul << number % WORD_BITS;
  }
  return 0;
}

/* Limits and how the kernel schedules the process: rlimits, oom_score_adj, scheduler, I/O priority, CPUs, memory policy. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

static const char *const limits[] = {"RLIMIT_CPU",     "RLIMIT_FSIZE",      "RLIMIT_DATA",     "RLIMIT_STACK", "RLIMIT_CORE",  "RLIMIT_RSS",
                                     "RLIMIT_NPROC",   "RLIMIT_NOFILE",     "RLIMIT_MEMLOCK",  "RLIMIT_AS",    "RLIMIT_LOCKS", "RLIMIT_SIGPENDING",
                                     "RLIMIT_MSGQUEUE", "RLIMIT_NICE",      "RLIMIT_RTPRIO",   "RLIMIT_RTTIME"};

/* By prlimit and not getrlimit, which shows musl's idea of infinity. */
void report_limits(void) {
  json_open("rlimits", '{');
  for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
    uint64_t values[2];
    if (syscall(SYS_prlimit64, 0, i, NULL, values) != 0) continue;
    json_open(limits[i], '{');
    json_u64("soft", values[0]);
    json_u64("hard", values[1]);
    json_close('}');
  }
  json_close('}');
}

static void report_oom_score_adjust(void) {
  char text[32] = "";
  int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length > 0)
    json_number("oomScoreAdj", atoi(text));
  else
    json_null("oomScoreAdj");
}

static void report_scheduler(void) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t lowest, highest;
  } attributes = {0};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return json_null("scheduler");
  json_open("scheduler", '{');
  json_number("policy", attributes.policy);
  json_u64("flags", attributes.flags);
  json_number("nice", attributes.nice);
  json_number("priority", attributes.priority);
  json_u64("runtime", attributes.runtime);
  json_u64("deadline", attributes.deadline);
  json_u64("period", attributes.period);
  json_close('}');
}

/* Bit numbers of a mask of unsigned longs. */
static void report_bits(const char *key, const unsigned long *mask, unsigned bits) {
  const unsigned word = 8 * sizeof *mask;
  json_open(key, '[');
  for (unsigned bit = 0; bit < bits; bit++)
    if (mask[bit / word] >> (bit % word) & 1) json_number(NULL, bit);
  json_close(']');
}

void report_scheduling(void) {
  unsigned long cpus[1024 / (8 * sizeof(long))] = {0}, nodes[1024 / (8 * sizeof(long))] = {0};
  int mode = 0;
  report_oom_score_adjust();
  report_scheduler();
  json_number("ioPriority", syscall(SYS_ioprio_get, 1, 0));
  if (syscall(SYS_sched_getaffinity, 0, sizeof cpus, cpus) > 0) report_bits("affinity", cpus, 1024);
  if (syscall(SYS_get_mempolicy, &mode, nodes, 1024UL, NULL, 0) != 0) return json_null("memoryPolicy");
  json_open("memoryPolicy", '{');
  json_number("mode", mode);
  report_bits("nodes", nodes, 1024);
  json_close('}');
}

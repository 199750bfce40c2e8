/* Telling one process from a later one of the same pid. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat, clock ticks since boot; 0 or -1 with errno (ESRCH: no such process). */
int read_start_time(pid_t pid, uint64_t *start);

/* Wait until the process of a pidfd has ended; -1 also when the time is over (ETIMEDOUT), or the caller wants us to leave. */
struct context;
int wait_for_end(struct context *context, int process, uint32_t milliseconds);

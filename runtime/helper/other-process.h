/* Telling one process from a later one of the same pid. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat, clock ticks since boot; 0 or -1 with errno (ESRCH: no such process). */
int read_start_time(pid_t pid, uint64_t *start);

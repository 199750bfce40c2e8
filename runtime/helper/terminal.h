/* Terminals: the container's, and the size of the caller's. */
#pragma once
#include "krun.h"

#include <sys/ioctl.h>

#define DEVPTS "/dev/pts"
#define PTMX "/dev/pts/ptmx"
#define CONSOLE "/dev/console"

/* The size of whichever of 0 to 2 is a terminal; false if none is. */
bool callers_size(struct winsize *size);

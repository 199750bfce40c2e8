/* What both ways to a root share. */
#pragma once
#include "krun.h"

/* Attach a mount over a host directory, such that no other mount namespace sees it and pivot_root(2) accepts it. */
int attach_root(struct context *context, int mount, int place, const char *path);

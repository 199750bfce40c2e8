/* tmpcopyup: what a directory holds, copied into the tmpfs that will cover it. */
#pragma once
#include "krun.h"

/*
 * Copies what is in `from` into `to` (both directories, open for reading) with kinds, modes, owners, extended attributes
 * and times; follows no symlink and enters no mount below. A file with several names becomes several files; extended
 * attributes of what cannot be opened (symlinks, nodes) are not copied.
 */
int copy_up(struct context *context, int from, int to, const char *path);

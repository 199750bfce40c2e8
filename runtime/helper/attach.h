/* Attaching a detached mount below the root: resolve once, check, move from descriptor to descriptor, look again. */
#pragma once
#include "rootfs-path.h"

#include <sys/stat.h>

struct destination {
  int root;
  const char *path;
  enum links links;
};

/* The O_PATH descriptor of a destination, made after the kind (S_IFDIR or another) of what will be mounted there; fails otherwise. */
int open_destination(struct context *context, const struct destination *destination, mode_t kind, bool *made);

/* Attach a mount to what open_destination gave; afterwards the path must lead to that mount. */
int attach(struct context *context, const struct destination *destination, int place, int mount);

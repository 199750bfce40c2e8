/* fsopen(2) to fsmount(2): a file system made from options, whose complaints in the kernel's own words go into the failure. */
#pragma once
#include "krun.h"

struct filesystem {
  struct context *context;
  const char *type;
  const char *path; /* for messages: where it will be mounted */
  int fd;
};

#define AUTO_FILESYSTEM __attribute__((cleanup(close_filesystem))) struct filesystem
void close_filesystem(struct filesystem *filesystem);

int open_filesystem(struct filesystem *filesystem);
/* "flag" or "key=value"; an overlay's lowerdir that is too long for one string goes layer by layer. */
int configure(struct filesystem *filesystem, const char *option);
int configure_key(struct filesystem *filesystem, const char *key, const char *value);
/* Create the superblock and a detached mount of it: its O_PATH descriptor. */
int mount_filesystem(struct filesystem *filesystem, uint64_t attributes);
int reconfigure(struct filesystem *filesystem);

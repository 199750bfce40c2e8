/* mount_setattr(2) on mounts that are held by descriptor. `path` is for messages only. */
#pragma once
#include "krun.h"

struct attributes {
  uint64_t set;
  uint64_t clear;
  bool recursive;
};

/* Change MOUNT_ATTR_* and see that what was set is in force. Nothing to change is no call. */
int set_attributes(struct context *context, int mount, const char *path, struct attributes attributes);

/* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; MS_SLAVE|MS_SHARED is a slave with peers of its own. Other bits are ignored. */
int set_propagation(struct context *context, int mount, const char *path, uint32_t propagation, bool recursive);

/* Map the owners of a detached mount by a user namespace; a file system that cannot is an error (SECURITY.md F4). */
int set_idmap(struct context *context, int mount, const char *path, int user_namespace, bool recursive);

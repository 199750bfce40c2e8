/* The maps of a user namespace, written from outside through a process that is in it. */
#pragma once
#include "krun.h"

/* setgroups first (it must be "deny" before an unprivileged gid_map), then gid_map, then uid_map; an empty map is left unwritten. */
int write_id_maps(struct context *context, pid_t pid, const char *uid_map, const char *gid_map, bool deny_setgroups);

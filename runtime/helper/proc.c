/* A procfs of our own, in no mount namespace: what the container mounts cannot cover or fake it (SECURITY.md B3). */
#include "fs-context.h"
#include "mount-api.h"

int op_open_proc(struct context *context, const struct op_open_proc *op) {
  AUTO_FILESYSTEM filesystem = {.context = context, .type = "proc", .path = "", .fd = -1};
  if (open_filesystem(&filesystem) < 0) return -1;
  int proc = mount_filesystem(&filesystem, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  return proc < 0 ? -1 : slot_store(context, op->proc, proc);
}

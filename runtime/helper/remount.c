/* Changing mounts that are already there: by descriptor, never through the container's /proc/self/fd (CVE-2026-115521). */
#include "fs-context.h"
#include "mount-api.h"
#include "mount-attributes.h"
#include "rootfs-path.h"

static int reconfigure_mount(struct context *context, const struct op_remount *op, int mount);

int op_remount(struct context *context, const struct op_remount *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  AUTO_CLOSE int mount = open_in_root(root, op->destination, IN_ROOT, O_PATH);
  if (mount < 0) return fail(context, "openat2", op->destination);
  if (op->options.count > 0 && reconfigure_mount(context, op, mount) < 0) return -1;
  return set_attributes(context, mount, op->destination, (struct attributes){.set = op->set, .clear = op->clear});
}

static int reconfigure_mount(struct context *context, const struct op_remount *op, int mount) {
  AUTO_FILESYSTEM filesystem = {.context = context, .type = "", .path = op->destination, .fd = sys_fspick(mount)};
  if (filesystem.fd < 0) return fail(context, "fspick", op->destination);
  for (uint32_t i = 0; i < op->options.count; i++)
    if (configure(&filesystem, op->options.items[i]) < 0) return -1;
  return reconfigure(&filesystem);
}

int op_set_mount_attributes(struct context *context, const struct op_set_mount_attributes *op) {
  int mount = slot_fd(context, op->mount);
  if (mount < 0) return -1;
  return set_attributes(context, mount, "", (struct attributes){.set = op->set, .clear = op->clear, .recursive = op->recursive});
}

int op_set_propagation(struct context *context, const struct op_set_propagation *op) {
  if (*op->path == 0) {
    int mount = slot_fd(context, op->mount);
    return mount < 0 ? -1 : set_propagation(context, mount, "", op->propagation, op->recursive);
  }
  AUTO_CLOSE int mount = open(op->path, O_PATH | O_CLOEXEC);
  if (mount < 0) return fail(context, "open", op->path);
  return set_propagation(context, mount, op->path, op->propagation, op->recursive);
}

/* pivot_root(2), never chroot: nothing of the host stays reachable (SECURITY.md F2). */
#include "mount-api.h"
#include "mount-attributes.h"
#include "rules.h"

static int detach_old_root(struct context *context, int old_root);

int op_pivot_root(struct context *context, const struct op_pivot_root *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  AUTO_CLOSE int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old_root < 0) return fail(context, "open", "/");
  if (fchdir(root) < 0) return fail(context, "fchdir", "");
  if (syscall(SYS_pivot_root, ".", ".") < 0) return fail(context, "pivot_root", "");
  if (RULE(OLD_ROOT_DETACHED) && detach_old_root(context, old_root) < 0) return -1;
  if (chdir("/") < 0) return fail(context, "chdir", "/");
  return set_propagation(context, root, "/", op->propagation, op->recursive);
}

/* The old root now lies on the new one. First a slave, so that the host does not lose its mounts with us. */
static int detach_old_root(struct context *context, int old_root) {
  if (fchdir(old_root) < 0) return fail(context, "fchdir", "/");
  if (set_propagation(context, old_root, "/", MS_SLAVE, true) < 0) return -1;
  return syscall(SYS_umount2, ".", MNT_DETACH) < 0 ? fail(context, "umount2", "/") : 0;
}

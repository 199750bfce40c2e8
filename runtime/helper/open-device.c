#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "mount-api.h"
#include "mount-attributes.h"

/* The node is the host's, and its path may be a symlink there: what counts is the device behind it. */
int op_open_device(struct context *context, const struct op_open_device *op) {
  AUTO_CLOSE int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE);
  if (tree < 0) return fail(context, "open_tree", op->source);
  struct stat found;
  if (fstat(tree, &found) < 0) return fail(context, "fstat", op->source);
  if ((found.st_mode & S_IFMT) != op->type || found.st_rdev != makedev(op->major, op->minor))
    return fail_detail(context, ENODEV, "fstat", op->source, "type=0%o device=%u:%u", found.st_mode & S_IFMT, major(found.st_rdev),
                       minor(found.st_rdev));
  if (set_propagation(context, tree, op->source, MS_PRIVATE, false) < 0) return -1;
  return slot_store(context, op->tree, steal_fd(&tree));
}

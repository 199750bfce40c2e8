/* Directories and symbolic links that the plan wants in the rootfs. */
#include "krun.h"

#include <sys/stat.h>

#include "rootfs-path.h"

static int own_directory(struct context *context, const struct op_create_directory *op, int directory);

int op_create_directory(struct context *context, const struct op_create_directory *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  bool made;
  struct creation creation = {.links = IN_ROOT, .kind = S_IFDIR, .mode = (mode_t)op->mode};
  AUTO_CLOSE int directory = make_in_root(root, op->path, creation, &made);
  if (directory < 0) return fail(context, "mkdirat", op->path);
  struct stat found;
  if (fstat(directory, &found) < 0) return fail(context, "fstat", op->path);
  if (!S_ISDIR(found.st_mode)) return fail_with(context, ENOTDIR, "mkdirat", op->path);
  return made ? own_directory(context, op, directory) : 0;
}

static int own_directory(struct context *context, const struct op_create_directory *op, int directory) {
  AUTO_CLOSE int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return fail(context, "openat", op->path);
  if (fchown(own, op->uid, op->gid) < 0) return fail(context, "fchown", op->path);
  if (fchmod(own, (mode_t)op->mode) < 0) return fail(context, "fchmod", op->path); /* a default ACL may have had its say */
  return 0;
}

int op_create_symlink(struct context *context, const struct op_create_symlink *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  const char *name;
  AUTO_CLOSE int parent = open_exact_parent(root, op->path, &name);
  if (parent < 0) return fail(context, "openat2", op->path);
  if (symlinkat(op->target, parent, name) < 0 && errno != EEXIST) return fail(context, "symlinkat", op->path);
  return 0;
}

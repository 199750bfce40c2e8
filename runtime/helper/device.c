/* Device nodes and fifos: made on the parent's descriptor, verified before anything is changed about them (SECURITY.md E5). */
#include "krun.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fs-context.h"
#include "mount-api.h"
#include "rootfs-path.h"
#include "rules.h"

static int make_node(struct context *context, const struct op_create_device *op, int parent, const char *name);
static int check_node(struct context *context, const struct op_create_device *op, const struct stat *found);
static int own_node(struct context *context, const struct op_create_device *op, int node, const struct stat *found);
static int set_mode(struct context *context, const struct op_create_device *op, int node);

int op_create_device(struct context *context, const struct op_create_device *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  const char *name;
  AUTO_CLOSE int parent = open_exact_parent(root, op->path, &name);
  if (parent < 0) return fail(context, "openat2", op->path);
  test_point("device-parent-open");
  if (make_node(context, op, parent, name) < 0) return -1;
  test_point("device-made");
  AUTO_CLOSE int node = openat(parent, name, O_PATH | O_CLOEXEC | (RULE(DEVICE_NOFOLLOW) ? O_NOFOLLOW : 0));
  if (node < 0) return fail(context, "openat", op->path);
  struct stat found;
  if (fstat(node, &found) < 0) return fail(context, "fstat", op->path);
  if (check_node(context, op, &found) < 0) return -1;
  return own_node(context, op, node, &found);
}

static int make_node(struct context *context, const struct op_create_device *op, int parent, const char *name) {
  EXACT_MODES;
  if (mknodat(parent, name, (mode_t)(op->type | op->mode), makedev(op->major, op->minor)) == 0 || errno == EEXIST) return 0;
  return fail(context, "mknodat", op->path);
}

static int check_node(struct context *context, const struct op_create_device *op, const struct stat *found) {
  bool has_number = op->type == S_IFCHR || op->type == S_IFBLK;
  bool same_kind = (found->st_mode & S_IFMT) == op->type;
  if ((same_kind && (!has_number || found->st_rdev == makedev(op->major, op->minor))) || !RULE(DEVICE_CHECKED)) return 0;
  return fail_detail(context, EEXIST, "mknodat", op->path, "wanted=0%o:%u:%u found=0%o:%u:%u", op->type, op->major, op->minor,
                     found->st_mode & S_IFMT, major(found->st_rdev), minor(found->st_rdev));
}

static int own_node(struct context *context, const struct op_create_device *op, int node, const struct stat *found) {
  bool owned = found->st_uid == op->uid && found->st_gid == op->gid;
  if (!owned && fchownat(node, "", op->uid, op->gid, AT_EMPTY_PATH) < 0) return fail(context, "fchownat", op->path);
  return (found->st_mode & 07777) == op->mode && owned ? 0 : set_mode(context, op, node);
}

/* fchmodat2(2) is of Linux 6.6. Before, an O_PATH descriptor is reached through a procfs of our own, which nobody can cover. */
static int set_mode(struct context *context, const struct op_create_device *op, int node) {
  int changed = RULE(NEW_SYSCALLS) ? sys_fchmodat2(node, (mode_t)op->mode) : (errno = ENOSYS, -1);
  if (changed == 0) return 0;
  if (errno != ENOSYS) return fail(context, "fchmodat2", op->path);
  AUTO_FILESYSTEM filesystem = {.context = context, .type = "proc", .path = op->path, .fd = -1};
  AUTO_CLOSE int proc = open_filesystem(&filesystem) < 0 ? -1 : mount_filesystem(&filesystem, 0);
  if (proc < 0) return -1;
  char name[32];
  snprintf(name, sizeof name, "self/fd/%d", node);
  return fchmodat(proc, name, (mode_t)op->mode, 0) < 0 ? fail(context, "fchmodat", op->path) : 0;
}

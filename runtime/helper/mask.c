/* Masked and read-only paths. What the helper covers them with never comes from the container: CVE-2025-31133. */
#include "krun.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attach.h"
#include "fs-context.h"
#include "mount-api.h"
#include "mount-attributes.h"
#include "rules.h"

static int open_existing(struct context *context, int root, const char *path, bool *missing);
static int clone_cover(struct context *context, int cover, const char *path);
static int find_empty_directory(struct context *context, const char *path);
static int check_null(struct context *context, int null);

int op_open_null(struct context *context, const struct op_open_null *op) {
  AUTO_CLOSE int null = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW);
  if (null < 0) return fail(context, "open_tree", "/dev/null");
  if (check_null(context, null) < 0 || set_propagation(context, null, "/dev/null", MS_PRIVATE, false) < 0) return -1;
  struct attributes harmless = {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
  if (set_attributes(context, null, "/dev/null", harmless) < 0) return -1;
  return slot_store(context, op->null, steal_fd(&null));
}

int op_mask_path(struct context *context, const struct op_mask_path *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  bool missing;
  AUTO_CLOSE int place = open_existing(context, root, op->path, &missing);
  if (missing || place < 0) return missing ? 0 : -1;
  struct stat found;
  if (fstat(place, &found) < 0) return fail(context, "fstat", op->path);

  int cover = S_ISDIR(found.st_mode) ? find_empty_directory(context, op->path) : slot_fd(context, op->null);
  if (cover < 0 || (!S_ISDIR(found.st_mode) && check_null(context, cover) < 0)) return -1;
  AUTO_CLOSE int mask = clone_cover(context, cover, op->path);
  if (mask < 0) return -1;
  return attach(context, &(struct destination){.root = root, .path = op->path, .links = IN_ROOT}, place, mask);
}

int op_set_path_readonly(struct context *context, const struct op_set_path_readonly *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  bool missing;
  AUTO_CLOSE int place = open_existing(context, root, op->path, &missing);
  if (missing || place < 0) return missing ? 0 : -1;
  AUTO_CLOSE int tree = sys_open_tree(place, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
  if (tree < 0) return fail(context, "open_tree", op->path);
  if (RULE(PRIVATE_CLONES) && set_propagation(context, tree, op->path, MS_SLAVE, true) < 0) return -1;
  if (set_attributes(context, tree, op->path, (struct attributes){.set = MOUNT_ATTR_RDONLY, .recursive = true}) < 0) return -1;
  return attach(context, &(struct destination){.root = root, .path = op->path, .links = IN_ROOT}, place, tree);
}

/* Only what is not there needs no cover; whatever else keeps us from it is a failure. */
static int open_existing(struct context *context, int root, const char *path, bool *missing) {
  int place = open_in_root(root, path, IN_ROOT, O_PATH);
  *missing = place < 0 && (errno == ENOENT || errno == ENOTDIR);
  if (place < 0 && !*missing) return fail(context, "openat2", path);
  test_point("path-open");
  return place;
}

/*
 * Covers share one superblock. A detached mount can be cloned since Linux 6.15 only; before that the first mask is made
 * by attaching the cover itself, and the others by cloning it from there.
 */
static int clone_cover(struct context *context, int cover, const char *path) {
  int mask = sys_open_tree(cover, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (mask < 0 && errno == EINVAL) mask = fcntl(cover, F_DUPFD_CLOEXEC, 3);
  return mask < 0 ? fail(context, "open_tree", path) : mask;
}

static int find_empty_directory(struct context *context, const char *path) {
  if (context->empty_directory > 0) return context->empty_directory;
  AUTO_FILESYSTEM filesystem = {.context = context, .type = "tmpfs", .path = path, .fd = -1};
  if (open_filesystem(&filesystem) < 0 || configure(&filesystem, "nr_inodes=1") < 0 || configure(&filesystem, "nr_blocks=1") < 0) return -1;
  if (configure(&filesystem, "mode=0555") < 0) return -1;
  int mount = mount_filesystem(&filesystem, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (mount >= 0) context->empty_directory = mount;
  return mount;
}

static int check_null(struct context *context, int null) {
  struct stat device;
  if (fstat(null, &device) < 0) return fail(context, "fstat", "/dev/null");
  if ((S_ISCHR(device.st_mode) && device.st_rdev == makedev(1, 3)) || !RULE(NULL_CHECKED)) return 0;
  return fail_detail(context, ENODEV, "open_tree", "/dev/null", "mode=0%o major=%u minor=%u", device.st_mode, major(device.st_rdev), minor(device.st_rdev));
}

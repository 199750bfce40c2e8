#include "root.h"

#include "mount-api.h"
#include "mount-attributes.h"
#include "rules.h"

static int tie_off(struct context *context, int place, const char *path);
static int find_mount_root(int place);

int op_open_root(struct context *context, const struct op_open_root *op) {
  AUTO_CLOSE int place = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) return fail(context, "open", op->path);
  AUTO_CLOSE int root = sys_open_tree(place, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | (op->recursive ? AT_RECURSIVE : 0u));
  if (root < 0) return fail_detail(context, errno, "open_tree", op->path, "recursive=%u", op->recursive);
  uint32_t propagation = op->propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
  if (RULE(PRIVATE_CLONES) && set_propagation(context, root, op->path, propagation, true) < 0) return -1;
  if (op->user_namespace != NO_SLOT) {
    int user_namespace = slot_fd(context, op->user_namespace);
    if (user_namespace < 0 || set_idmap(context, root, op->path, user_namespace, false) < 0) return -1;
  }
  if (attach_root(context, root, place, op->path) < 0) return -1;
  return slot_store(context, op->root, steal_fd(&root));
}

int attach_root(struct context *context, int mount, int place, const char *path) {
  if (RULE(PRIVATE_CLONES) && tie_off(context, place, path) < 0) return -1;
  return sys_move_mount(mount, place) < 0 ? fail(context, "move_mount", path) : 0;
}

/*
 * The mount that the directory stands on may be shared, when rootfsPropagation asks for shared: what is attached there
 * would then show on the host, and pivot_root(2) refuses such a parent. A slave still gets what the host mounts.
 */
static int tie_off(struct context *context, int place, const char *path) {
  AUTO_CLOSE int parent = find_mount_root(place);
  if (parent < 0) return fail(context, "statx", path);
  struct place found;
  if (find_place(parent, &found) < 0) return fail(context, "statx", path);
  return found.is_mount_root ? set_propagation(context, parent, path, MS_SLAVE, false) : 0;
}

/* Upwards to the root of the directory's mount; or to our own root, which in a chroot is none. */
static int find_mount_root(int place) {
  struct place here, above;
  AUTO_CLOSE int at = openat(place, ".", O_PATH | O_CLOEXEC);
  if (at < 0 || find_place(at, &here) < 0) return -1;
  while (!here.is_mount_root) {
    AUTO_CLOSE int next = openat(at, "..", O_PATH | O_CLOEXEC);
    if (next < 0 || find_place(next, &above) < 0) return -1;
    if (above.inode == here.inode && above.mount == here.mount) break;
    int passed = at;
    at = steal_fd(&next);
    close(passed);
    here = above;
  }
  return steal_fd(&at);
}

/* Bind mounts: a tree of the host, cloned, dressed while nobody sees it, attached in the container. */
#include "attach.h"
#include "mount-api.h"
#include "mount-attributes.h"
#include "rules.h"

static int detach_propagation(struct context *context, const struct op_open_tree *op, int tree);

int op_open_tree(struct context *context, const struct op_open_tree *op) {
  AUTO_CLOSE int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE | (op->recursive ? AT_RECURSIVE : 0u));
  if (tree < 0) return fail_detail(context, errno, "open_tree", op->source, "recursive=%u", op->recursive);
  if (detach_propagation(context, op, tree) < 0) return -1;
  if (op->user_namespace != NO_SLOT) {
    int user_namespace = slot_fd(context, op->user_namespace);
    if (user_namespace < 0 || set_idmap(context, tree, op->source, user_namespace, op->recursive_idmap) < 0) return -1;
  }
  struct attributes all = {.set = op->recursive_set, .clear = op->recursive_clear, .recursive = true};
  if (set_attributes(context, tree, op->source, all) < 0) return -1;
  if (set_attributes(context, tree, op->source, (struct attributes){.set = op->set, .clear = op->clear}) < 0) return -1;
  return slot_store(context, op->tree, steal_fd(&tree));
}

/*
 * A clone is born into its source's peer group: what is mounted in it would show on the host (SECURITY.md F1). It leaves
 * that group unless the plan asks for a slave or a peer. A slave's submounts become slaves too, even if the request is for
 * the top alone; a peer's stay peers, as nothing else lets the top be one.
 */
static int detach_propagation(struct context *context, const struct op_open_tree *op, int tree) {
  bool keeps_ties = op->propagation & (MS_SLAVE | MS_SHARED);
  if (!keeps_ties && RULE(PRIVATE_CLONES) && set_propagation(context, tree, op->source, MS_PRIVATE, true) < 0) return -1;
  if ((op->propagation & MS_SLAVE) && op->recursive && set_propagation(context, tree, op->source, MS_SLAVE, true) < 0) return -1;
  return set_propagation(context, tree, op->source, op->propagation, op->recursive_propagation);
}

int op_move_mount(struct context *context, const struct op_move_mount *op) {
  int root = slot_fd(context, op->root);
  int tree = root < 0 ? -1 : slot_fd(context, op->tree);
  if (tree < 0) return -1;
  struct stat kind;
  if (fstat(tree, &kind) < 0) return fail(context, "fstat", op->destination);
  struct destination destination = {.root = root, .path = op->destination, .links = op->exact ? EXACT : IN_ROOT};
  AUTO_CLOSE int place = open_destination(context, &destination, kind.st_mode, NULL);
  return place < 0 ? -1 : attach(context, &destination, place, tree);
}

/* A new file system at a place in the container: complete before it is attached. */
#include "krun.h"

#include <stdio.h>

#include "attach.h"
#include "copy-up.h"
#include "fs-context.h"
#include "mount-api.h"
#include "mount-attributes.h"

static int make_mount(struct context *context, const struct op_mount *op, uint64_t attributes);
static int dress(struct context *context, const struct op_mount *op, int place, int mount, bool made);
static int keep_mode(struct context *context, const struct op_mount *op, int below, int mount);
static bool has_option(const struct op_mount *op, const char *key);

int op_mount(struct context *context, const struct op_mount *op) {
  int root = slot_fd(context, op->root);
  if (root < 0) return -1;
  /* What is copied into it must be writable first. */
  uint64_t later = op->copy_up || op->keep_mode ? op->attributes & MOUNT_ATTR_RDONLY : 0;
  AUTO_CLOSE int mount = make_mount(context, op, op->attributes & ~later);
  if (mount < 0) return -1;

  struct destination destination = {.root = root, .path = op->destination, .links = op->exact ? EXACT : IN_ROOT};
  bool made;
  AUTO_CLOSE int place = open_destination(context, &destination, S_IFDIR, &made);
  if (place < 0 || dress(context, op, place, mount, made) < 0) return -1;
  if (set_attributes(context, mount, op->destination, (struct attributes){.set = later}) < 0) return -1;
  if (attach(context, &destination, place, mount) < 0) return -1;
  return op->mount == NO_SLOT ? 0 : slot_store(context, op->mount, steal_fd(&mount));
}

static int make_mount(struct context *context, const struct op_mount *op, uint64_t attributes) {
  AUTO_FILESYSTEM filesystem = {.context = context, .type = op->type, .path = op->destination, .fd = -1};
  if (open_filesystem(&filesystem) < 0) return -1;
  if (*op->source && configure_key(&filesystem, "source", op->source) < 0) return -1;
  for (uint32_t i = 0; i < op->options.count; i++)
    if (configure(&filesystem, op->options.items[i]) < 0) return -1;
  return mount_filesystem(&filesystem, attributes);
}

static int dress(struct context *context, const struct op_mount *op, int place, int mount, bool made) {
  if (made || (!op->copy_up && !op->keep_mode)) return 0;
  AUTO_CLOSE int below = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (below < 0) return fail(context, "openat", op->destination);
  AUTO_CLOSE int top = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return fail(context, "openat", op->destination);
  if (op->copy_up && copy_up(context, below, top, op->destination) < 0) return -1;
  return op->keep_mode ? keep_mode(context, op, below, top) : 0;
}

/* The directory below gives its mode and owner, but for what the options say. */
static int keep_mode(struct context *context, const struct op_mount *op, int below, int mount) {
  struct stat directory;
  if (fstat(below, &directory) < 0) return fail(context, "fstat", op->destination);
  uid_t uid = has_option(op, "uid") ? (uid_t)-1 : directory.st_uid;
  gid_t gid = has_option(op, "gid") ? (gid_t)-1 : directory.st_gid;
  /* EINVAL: an owner that this user namespace has no id for stays what it is. */
  if (fchown(mount, uid, gid) < 0 && errno != EINVAL) return fail(context, "fchown", op->destination);
  if (!has_option(op, "mode") && fchmod(mount, directory.st_mode & 07777) < 0) return fail(context, "fchmod", op->destination);
  return 0;
}

static bool has_option(const struct op_mount *op, const char *key) {
  size_t length = strlen(key);
  for (uint32_t i = 0; i < op->options.count; i++)
    if (strncmp(op->options.items[i], key, length) == 0 && op->options.items[i][length] == '=') return true;
  return false;
}

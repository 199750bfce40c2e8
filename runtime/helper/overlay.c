/* A root of layers: directories of the host below; what the container writes goes to a directory of its own, or to memory. */
#include "krun.h"

#include <stdio.h>
#include <sys/stat.h>

#include "fs-context.h"
#include "mount-api.h"
#include "root.h"
#include "rootfs-path.h"
#include "rules.h"

/*
 * Layers are named to overlayfs as /proc/self/fd/N: no path is looked up twice, none needs escaping, and a dozen of them
 * fit into fsconfig's 255 bytes. It is the host's /proc, which the container cannot touch.
 */
#define LAYER_NAME (sizeof "/proc/self/fd/2147483647")
#define MAX_LAYERS 500 /* overlayfs' own limit */

struct layers {
  uint32_t count;
  int lowers[MAX_LAYERS];
  int upper;
  int work;
};

static void close_layers(struct layers *layers);
static int open_layers(struct context *context, const struct op_open_overlay_root *op, struct layers *layers);
static int open_layer(struct context *context, const char *path);
static int make_upper(struct context *context, const struct op_open_overlay_root *op, struct layers *layers);
static int mount_memory(struct context *context, const struct op_open_overlay_root *op);
static int make_directory(struct context *context, int parent, const char *name, const struct stat *like);
static int mount_overlay(struct context *context, const struct op_open_overlay_root *op, const struct layers *layers);
static int configure_lowers(struct filesystem *filesystem, const struct layers *layers);
static int configure_layer(struct filesystem *filesystem, const char *key, int layer);

int op_open_overlay_root(struct context *context, const struct op_open_overlay_root *op) {
  __attribute__((cleanup(close_layers))) struct layers layers = {.upper = -1, .work = -1};
  if (open_layers(context, op, &layers) < 0) return -1;
  if (layers.upper < 0 && make_upper(context, op, &layers) < 0) return -1;
  AUTO_CLOSE int root = mount_overlay(context, op, &layers);
  if (root < 0) return -1;
  AUTO_CLOSE int place = open_layer(context, op->lowers.items[0]); /* once more: the tmpfs may cover it by now */
  if (place < 0 || attach_root(context, root, place, op->lowers.items[0]) < 0) return -1;
  return slot_store(context, op->root, steal_fd(&root));
}

static void close_layers(struct layers *layers) {
  for (uint32_t i = 0; i < layers->count; i++) close_descriptor(&layers->lowers[i]);
  close_descriptor(&layers->upper);
  close_descriptor(&layers->work);
}

static int open_layers(struct context *context, const struct op_open_overlay_root *op, struct layers *layers) {
  if (op->lowers.count == 0 || op->lowers.count > MAX_LAYERS)
    return fail_detail(context, EINVAL, "fsconfig", "", "layers=%u maximum=%d", op->lowers.count, MAX_LAYERS);
  for (; layers->count < op->lowers.count; layers->count++) {
    layers->lowers[layers->count] = open_layer(context, op->lowers.items[layers->count]);
    if (layers->lowers[layers->count] < 0) return -1;
  }
  if (*op->upper == 0) return 0;
  layers->upper = open_layer(context, op->upper);
  layers->work = layers->upper < 0 ? -1 : open_layer(context, op->work);
  return layers->work < 0 ? -1 : 0;
}

static int open_layer(struct context *context, const char *path) {
  int layer = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return layer < 0 ? fail(context, "open", path) : layer;
}

/*
 * A tmpfs with directories for overlayfs. Before Linux 6.15 overlayfs takes layers only from mounts of our namespace, so
 * the tmpfs is attached, where the overlay itself will cover it; pivot_root leaves it behind with the rest of the host.
 */
static int make_upper(struct context *context, const struct op_open_overlay_root *op, struct layers *layers) {
  EXACT_MODES;
  const char *path = op->lowers.items[0];
  struct stat root, own = {.st_mode = S_IFDIR | 0700, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
  if (fstat(layers->lowers[0], &root) < 0) return fail(context, "fstat", path);
  AUTO_CLOSE int memory = mount_memory(context, op);
  if (memory < 0 || attach_root(context, memory, layers->lowers[0], path) < 0) return -1;
  int store = RULE(NOTHING_IN_ROOTFS) ? memory : layers->lowers[0];
  layers->upper = make_directory(context, store, "upper", &root);
  layers->work = layers->upper < 0 ? -1 : make_directory(context, store, "work", &own);
  return layers->work < 0 ? -1 : 0;
}

static int mount_memory(struct context *context, const struct op_open_overlay_root *op) {
  AUTO_FILESYSTEM memory = {.context = context, .type = "tmpfs", .path = op->lowers.items[0], .fd = -1};
  if (open_filesystem(&memory) < 0 || configure(&memory, "mode=0700") < 0) return -1;
  char size[32];
  snprintf(size, sizeof size, "%llu", (unsigned long long)op->size);
  if (op->size != 0 && configure_key(&memory, "size", size) < 0) return -1;
  return mount_filesystem(&memory, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

static int make_directory(struct context *context, int parent, const char *name, const struct stat *like) {
  if (mkdirat(parent, name, like->st_mode & 07777) < 0) return fail(context, "mkdirat", name);
  AUTO_CLOSE int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return fail(context, "openat", name);
  if (fchown(directory, like->st_uid, like->st_gid) < 0) return fail(context, "fchown", name);
  if (fchmod(directory, like->st_mode & 07777) < 0) return fail(context, "fchmod", name);
  return steal_fd(&directory);
}

static int mount_overlay(struct context *context, const struct op_open_overlay_root *op, const struct layers *layers) {
  AUTO_FILESYSTEM overlay = {.context = context, .type = "overlay", .path = op->lowers.items[0], .fd = -1};
  if (open_filesystem(&overlay) < 0 || configure(&overlay, "source=overlay") < 0) return -1;
  if (configure_lowers(&overlay, layers) < 0) return -1;
  if (configure_layer(&overlay, "upperdir", layers->upper) < 0 || configure_layer(&overlay, "workdir", layers->work) < 0) return -1;
  for (uint32_t i = 0; i < op->options.count; i++)
    if (configure(&overlay, op->options.items[i]) < 0) return -1;
  return mount_filesystem(&overlay, 0);
}

/* In one string while it holds them: `lowerdir+` needs Linux 6.7. */
static int configure_lowers(struct filesystem *filesystem, const struct layers *layers) {
  char all[LONGEST_OPTION + 1];
  size_t length = 0;
  for (uint32_t i = 0; i < layers->count && length < sizeof all; i++)
    length += (size_t)snprintf(all + length, sizeof all - length, "%s/proc/self/fd/%d", i > 0 ? ":" : "", layers->lowers[i]);
  if (length < sizeof all) return configure_key(filesystem, "lowerdir", all);
  for (uint32_t i = 0; i < layers->count; i++)
    if (configure_layer(filesystem, "lowerdir+", layers->lowers[i]) < 0) return -1;
  return 0;
}

static int configure_layer(struct filesystem *filesystem, const char *key, int layer) {
  char name[LAYER_NAME];
  snprintf(name, sizeof name, "/proc/self/fd/%d", layer);
  return configure_key(filesystem, key, name);
}

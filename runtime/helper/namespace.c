/* Joining and leaving namespaces. */
#include "krun.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#define NSFS_MAGIC 0x6e736673

/* The path comes from config.json, and may by now name anything: O_NONBLOCK so that a fifo cannot hold us, and no ioctl before nsfs is sure. */
int op_open_namespace(struct context *context, const struct op_open_namespace *op) {
  AUTO_CLOSE int fd = open(op->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fail(context, "openat", op->path);
  struct statfs file_system;
  if (fstatfs(fd, &file_system) < 0) return fail(context, "fstatfs", op->path);
  if ((uint32_t)file_system.f_type != NSFS_MAGIC) return fail_detail(context, EINVAL, "openat", op->path, "namespace=0");
  int type = ioctl(fd, NS_GET_NSTYPE);
  if (type < 0) return fail(context, "ioctl", op->path);
  if ((uint64_t)(uint32_t)type != op->type) return fail_detail(context, EINVAL, "ioctl", op->path, "type=0x%x", (unsigned)type);
  return slot_store(context, op->namespace, steal_fd(&fd));
}

int op_setns(struct context *context, const struct op_setns *op) {
  int fd = slot_fd(context, op->namespace);
  if (fd < 0) return -1;
  return setns(fd, (int)op->type) < 0 ? fail(context, "setns", "") : 0;
}

int op_unshare(struct context *context, const struct op_unshare *op) {
  return unshare((int)op->flags) < 0 ? fail(context, "unshare", "") : 0;
}

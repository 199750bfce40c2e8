/* Joining and leaving namespaces. */
#include "krun.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "rules.h"

#define NSFS_MAGIC 0x6e736673

static int is_own(uint64_t type, int fd);

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
  if (op->foreign && RULE(FOREIGN_NAMESPACE)) {
    int own = is_own(op->type, fd);
    if (own < 0) return fail(context, "fstat", op->path);
    if (own) return fail_with(context, EEXIST, "openat", op->path);
  }
  return slot_store(context, op->namespace, steal_fd(&fd));
}

/* Whether it is the namespace that we ourselves are in; -1 with errno if that cannot be told. */
static int is_own(uint64_t type, int fd) {
  static const struct {
    uint64_t type;
    const char *path;
  } names[] = {
    {CLONE_NEWNET, "/proc/self/ns/net"}, {CLONE_NEWUTS, "/proc/self/ns/uts"}, {CLONE_NEWIPC, "/proc/self/ns/ipc"}, {CLONE_NEWUSER, "/proc/self/ns/user"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].type != type) continue;
    struct stat own, other;
    if (stat(names[i].path, &own) < 0 || fstat(fd, &other) < 0) return -1;
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
  }
  errno = EINVAL;
  return -1;
}

int op_setns(struct context *context, const struct op_setns *op) {
  int fd = slot_fd(context, op->namespace);
  if (fd < 0) return -1;
  return setns(fd, (int)op->type) < 0 ? fail(context, "setns", "") : 0;
}

int op_unshare(struct context *context, const struct op_unshare *op) {
  return unshare((int)op->flags) < 0 ? fail(context, "unshare", "") : 0;
}

#include "mount-attributes.h"

#include <stdio.h>
#include <sys/vfs.h>

#include "mount-api.h"
#include "rules.h"

static int set_by_path(struct context *context, int mount, unsigned depth, struct mount_attr change);
static int verify(struct context *context, int mount, const char *path, uint64_t set);

int set_attributes(struct context *context, int mount, const char *path, struct attributes attributes) {
  if ((attributes.set | attributes.clear) == 0) return 0;
  unsigned depth = attributes.recursive && RULE(RECURSIVE_ATTRIBUTES) ? AT_RECURSIVE : 0;
  struct mount_attr change = {.attr_set = attributes.set, .attr_clr = attributes.clear};
  if (!RULE(ATTRIBUTES_BY_DESCRIPTOR)) return set_by_path(context, mount, depth, change);
  if (sys_mount_setattr(mount, depth, change) < 0)
    return fail_detail(context, errno, "mount_setattr", path, "set=0x%llx clear=0x%llx recursive=%d", (unsigned long long)attributes.set,
                       (unsigned long long)attributes.clear, attributes.recursive);
  return verify(context, mount, path, attributes.set);
}

int set_propagation(struct context *context, int mount, const char *path, uint32_t propagation, bool recursive) {
  static const uint32_t order[] = {MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    struct mount_attr change = {.propagation = propagation & order[i]};
    if (change.propagation == 0) continue;
    if (sys_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, change) < 0)
      return fail_detail(context, errno, "mount_setattr", path, "propagation=0x%x recursive=%d", order[i], recursive);
  }
  return 0;
}

int set_idmap(struct context *context, int mount, const char *path, int user_namespace, bool recursive) {
  struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_namespace};
  if (sys_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, change) == 0 || !RULE(IDMAP_FATAL)) return 0;
  int error = errno;
  struct statfs filesystem = {0};
  (void)fstatfs(mount, &filesystem); /* only to tell which */
  return fail_detail(context, error, "mount_setattr", path, "idmap=1 filesystem=0x%lx recursive=%d", (unsigned long)filesystem.f_type, recursive);
}

/* What CVE-2026-115521 abused: after pivot_root, /proc is the container's. Only a build for the tests comes here. */
static int set_by_path(struct context *context, int mount, unsigned depth, struct mount_attr change) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", mount);
  return syscall(SYS_mount_setattr, AT_FDCWD, path, depth, &change, sizeof change) < 0 ? fail(context, "mount_setattr", path) : 0;
}

/* RDONLY, NOSUID, NODEV and NOEXEC have the same bits as statfs(2)'s ST_*. */
static int verify(struct context *context, int mount, const char *path, uint64_t set) {
  struct statfs filesystem;
  if (fstatfs(mount, &filesystem) < 0) return fail(context, "fstatfs", path);
  uint64_t missing = set & 0xf & ~(uint64_t)filesystem.f_flags;
  if (missing == 0) return 0;
  return fail_detail(context, EPERM, "mount_setattr", path, "missing=0x%llx", (unsigned long long)missing);
}

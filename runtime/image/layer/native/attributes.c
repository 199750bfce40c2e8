#include <sys/xattr.h>

#include "tree.h"

static void set_mode(const struct entry *entry, int fd, int parent, const char *name);
static void set_xattrs(struct entry entry, int fd, int parent, const char *name);

/* The owner first, since chown takes setuid bits and capabilities away; the time last, since all else changes it. */
void set_attributes(const struct entry *entry, int fd, int parent, const char *name) {
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = entry->seconds, .tv_nsec = entry->nanoseconds}};
  if (entry->uid != (uint32_t)KEEP_OWNER) {
    int owned = fd >= 0 ? fchown(fd, entry->uid, entry->gid) : fchownat(parent, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW);
    if (owned < 0) fail("fchown", entry->path, "");
  }
  set_mode(entry, fd, parent, name);
  set_xattrs(*entry, fd, parent, name);
  int dated = fd >= 0 ? futimens(fd, times) : utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW);
  if (dated < 0) fail("utimensat", entry->path, "");
}

/* A node was made with its mode, of which only the setuid bits can have gone. fchmodat would follow a link, but it is ours and none. */
static void set_mode(const struct entry *entry, int fd, int parent, const char *name) {
  mode_t mode = entry->mode & 07777;
  if (fd >= 0 && fchmod(fd, mode) < 0) fail("fchmod", entry->path, "");
  if (fd >= 0 || S_ISLNK(entry->mode) || (mode & 07000) == 0) return;
  if (fchmodat(parent, name, mode, 0) < 0) fail("fchmodat", entry->path, "");
}

/* There is no lsetxattr relative to a descriptor before Linux 6.13: the parent becomes the working directory. */
static void set_xattrs(struct entry entry, int fd, int parent, const char *name) {
  if (entry.xattr_count > 0 && fd < 0 && fchdir(parent) < 0) fail("fchdir", entry.path, "");
  for (uint32_t i = 0; i < entry.xattr_count; i++) {
    struct xattr xattr = next_xattr(&entry);
    int set = fd >= 0 ? fsetxattr(fd, xattr.name, xattr.value, xattr.length, 0) : lsetxattr(name, xattr.name, xattr.value, xattr.length, 0);
    if (set == 0) continue;
    if (!xattr.optional) fail("setxattr", entry.path, xattr.name);
    warn("setxattr", entry.path, xattr.name);
  }
}

/* The system calls of the new mount API, which no libc wraps yet, and the constants that older headers lack. */
#pragma once
#include "krun.h"

#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#define LONGEST_OPTION 255 /* fsconfig(2) copies at most 256 bytes of a string */
#define PROCFS_MAGIC 0x9fa0
#ifndef MNT_DETACH
#define MNT_DETACH 2 /* <sys/mount.h> and <linux/mount.h> clash */
#endif

static inline int sys_openat2(int directory, const char *path, struct open_how how) {
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int sys_open_tree(int directory, const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, directory, path, flags | OPEN_TREE_CLOEXEC);
}

/* From descriptor to descriptor: no path is looked up again. */
static inline int sys_move_mount(int tree, int place) {
  return (int)syscall(SYS_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static inline int sys_fsopen(const char *type) {
  return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fspick(int mount) {
  return (int)syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
}

static inline int sys_fsconfig(int filesystem, unsigned command, const char *key, const char *value) {
  return (int)syscall(SYS_fsconfig, filesystem, command, key, value, 0);
}

static inline int sys_fsmount(int filesystem, unsigned attributes) {
  return (int)syscall(SYS_fsmount, filesystem, FSMOUNT_CLOEXEC, attributes);
}

static inline int sys_mount_setattr(int mount, unsigned flags, struct mount_attr attributes) {
  return (int)syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH, &attributes, sizeof attributes);
}

static inline int sys_fchmodat2(int fd, mode_t mode) {
  return (int)syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH);
}

/* What statx(2) says of a descriptor's place; older libcs have no struct statx, newer ones clash with the kernel's. */
struct place {
  uint64_t mount;
  uint64_t inode;
  bool is_mount_root;
};

static inline int find_place(int fd, struct place *place) {
  enum { INODE = 0x100, MOUNT_ID = 0x1000, MOUNT_ROOT = 0x2000 };
  uint64_t answer[32] = {0}; /* 1: attributes, 4: inode, 18: mount id */
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, INODE | MOUNT_ID, answer) < 0) return -1;
  *place = (struct place){.mount = answer[18], .inode = answer[4], .is_mount_root = (answer[1] & MOUNT_ROOT) != 0};
  return 0;
}

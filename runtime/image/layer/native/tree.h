/* What the files of dist/layer share. It makes the system calls that Node lacks and decides nothing: runtime/image/layer does. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "record.h"

enum { TREE = 3 }; /* the descriptor of the directory that all is done below */

/* Each ends the process when it fails, having said why. */
void unpack_tree(void);
void read_tree(void);
void empty_tree(void);

/* Below the tree, through directories only, and never to another file system. -1 with errno. */
static inline int open_below(int directory, const char *path, int flags) {
  struct open_how how = {
    .flags = (uint64_t)flags | O_CLOEXEC | O_NOFOLLOW,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/* Removes what is there, of whatever kind; 0 or -1 with errno. */
int remove_entry(int parent, const char *name);

/* Owner, mode, extended attributes and time of what is open, or else (fd -1) of name in parent. */
void set_attributes(const struct entry *entry, int fd, int parent, const char *name);

/* Said on standard error, errno with it. A failure is the last word. */
_Noreturn void fail(const char *syscall, const char *path, const char *detail);
void warn(const char *syscall, const char *path, const char *detail);

#define AUTO_CLOSE __attribute__((cleanup(close_descriptor)))
static inline void close_descriptor(int *fd) {
  if (*fd >= 0) close(*fd);
}

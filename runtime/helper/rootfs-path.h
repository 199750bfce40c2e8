/* Paths of the container. Whatever is in the rootfs is hostile, and may change while we look: SECURITY.md A1, A2. */
#pragma once
#include "krun.h"

/* IN_ROOT follows symlinks, but never out of the root; EXACT follows none. */
enum links { IN_ROOT, EXACT };

/* An in-root path by openat2(2); a descriptor or -1 with errno (ELOOP: a symlink where none may be). */
int open_in_root(int root, const char *path, enum links links, int flags);

struct creation {
  enum links links;
  mode_t kind; /* of the last component: S_IFDIR or S_IFREG */
  mode_t mode; /* of the last component; parents get 0755 */
};

/*
 * An O_PATH descriptor of an in-root path, made with its parents where it is missing (`*made` then, unless NULL): as
 * directory or empty file, on the descriptor of its parent, never through a link. What a dangling symlink names is made
 * inside the root, as when /etc/resolv.conf points into an empty /run.
 */
int make_in_root(int root, const char *path, struct creation creation, bool *made);

/* The O_PATH descriptor of a path's parent, made where missing, without following any link; *name points into path. */
int open_exact_parent(int root, const char *path, const char **name);

/* While in scope, modes are exactly what is asked for. */
#define EXACT_MODES __attribute__((cleanup(restore_umask), unused)) mode_t callers_umask = set_umask()
mode_t set_umask(void);
void restore_umask(const mode_t *mask);

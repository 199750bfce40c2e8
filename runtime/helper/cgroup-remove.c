/* removeCgroup: what the container made below its cgroup, the cgroup, and the ancestors that krun made for it. */
#include <dirent.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "entries.h"

static int remove_leaf(struct context *context, const struct op_remove_cgroup *op, int parent, const char *name, int leaf);
static int remove_descendants(int top);
static int first_child(int cgroup, char name[NAME_MAX + 1]);
static int climb(int *at);
static bool is_same(int parent, const char *name, int cgroup);

int op_remove_cgroup(struct context *context, const struct op_remove_cgroup *op) {
  struct cgroup_path path;
  char prefix[PATH_MAX], name[NAME_MAX + 1];
  AUTO_CLOSE int mount = open_cgroup_mount(context, op->mountpoint);
  if (mount < 0 || split_cgroup_path(context, op->path, &path) < 0) return -1;
  int result = 0;
  if (!slot_empty(context, op->cgroup)) {
    int leaf = slot_fd(context, op->cgroup);
    AUTO_CLOSE int parent = open_in_cgroup(mount, cgroup_prefix(&path, path.depth - 1, prefix), O_RDONLY | O_DIRECTORY);
    if (parent < 0 && !is_gone(errno)) result = fail(context, "openat2", op->path);
    cgroup_name(&path, path.depth - 1, name);
    if (parent >= 0 && is_same(parent, name, leaf)) result = remove_leaf(context, op, parent, name, leaf);
  }
  prune_ancestors(mount, &path);
  return result;
}

/*
 * Whoever recreates a cgroup between the look at its mark and rmdir could lose it only if it is empty of processes and children:
 * rmdir(2) refuses all others.
 */
void prune_ancestors(int mount, const struct cgroup_path *path) {
  char prefix[PATH_MAX];
  for (uint32_t depth = path->depth - 1; depth > 0; depth--) {
    cgroup_prefix(path, depth, prefix);
    AUTO_CLOSE int ancestor = open_in_cgroup(mount, prefix, O_RDONLY | O_DIRECTORY);
    if (ancestor < 0 && is_gone(errno)) continue;
    if (ancestor < 0 || !is_marked(ancestor) || unlinkat(mount, prefix, AT_REMOVEDIR) < 0) return;
  }
}

/* A cgroup that was there before us stays; what the container made in it does not. */
static int remove_leaf(struct context *context, const struct op_remove_cgroup *op, int parent, const char *name, int leaf) {
  bool ours = is_marked(leaf);
  for (int attempt = 0; attempt < 2; attempt++) {
    if (ours && (unlinkat(parent, name, AT_REMOVEDIR) == 0 || is_gone(errno))) return 0;
    if (ours && errno != EBUSY && errno != ENOTEMPTY) return fail(context, "unlinkat", op->path);
    if (wait_unpopulated(leaf, CGROUP_WAIT) < 0) return fail(context, "unlinkat", op->path);
    if (remove_descendants(leaf) < 0) return fail(context, "unlinkat", op->path);
    if (!ours) {
      disown_cgroup(leaf);
      return 0;
    }
  }
  if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || is_gone(errno)) return 0;
  char processes[256];
  return fail_detail(context, errno, "unlinkat", op->path, "pids=%s", list_processes(leaf, processes, sizeof processes));
}

/*
 * Depth first, but without recursion and with one descriptor: how deep a tree is, is the container's choice. No process is left
 * that could make new ones. A cgroup cannot be moved, so that ".." leads back to where we came from.
 */
static int remove_descendants(int top) {
  char name[NAME_MAX + 1];
  AUTO_CLOSE int at = open_in_cgroup(top, ".", O_RDONLY | O_DIRECTORY);
  if (at < 0) return is_gone(errno) ? 0 : -1;
  for (uint64_t depth = 0;;) {
    int found = first_child(at, name);
    if (found < 0) return -1;
    if (found == 0 && depth == 0) return 0;
    if (found == 0) {
      if (climb(&at) < 0) return -1;
      depth--;
    } else if (unlinkat(at, name, AT_REMOVEDIR) < 0 && !is_gone(errno)) {
      if (errno != EBUSY) return -1;
      int child = open_in_cgroup(at, name, O_RDONLY | O_DIRECTORY);
      if (child < 0) return -1;
      close(at);
      at = child;
      depth++;
      if (first_child(at, name) == 0) { /* busy, but not by children */
        errno = EBUSY;
        return -1;
      }
    }
  }
}

static int first_child(int cgroup, char name[NAME_MAX + 1]) {
  struct entries entries;
  struct entry entry;
  open_entries(&entries, cgroup);
  int found = next_directory(&entries, &entry);
  if (found > 0) memcpy(name, entry.name, strlen(entry.name) + 1);
  return found;
}

static int climb(int *at) {
  int parent = openat(*at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return -1;
  close(*at);
  *at = parent;
  return 0;
}

static bool is_same(int parent, const char *name, int cgroup) {
  struct stat named, opened;
  return fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(cgroup, &opened) == 0 && named.st_ino == opened.st_ino;
}

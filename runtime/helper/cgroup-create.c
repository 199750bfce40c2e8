/* createCgroup: each missing component, its controllers, then the leaf, which must be unused. */
#include <dirent.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "entries.h"

/* Another krun may remove an ancestor that it made just when we want to go through it; we begin again. */
#define MAX_ATTEMPTS 64

static void restore_umask(const mode_t *mask);
static enum outcome make_path(struct context *context, const struct op_create_cgroup *op, int mount, const struct cgroup_path *path, int *leaf);
static enum outcome make_component(struct context *context, const struct op_create_cgroup *op, int parent, const struct cgroup_path *path, uint32_t index, int *child);
static enum outcome prepare(struct context *context, const struct op_create_cgroup *op, int parent, int child, const char *name, bool is_leaf, bool made);
static enum outcome settle_type(struct context *context, const struct op_create_cgroup *op, int child);
static bool needs_domain(const struct strings *required);
static enum outcome claim(struct context *context, const struct op_create_cgroup *op, int parent, int leaf, const char *name, bool made);
static enum outcome check_unused(struct context *context, const struct op_create_cgroup *op, int leaf);
static enum outcome refuse(struct context *context, const char *syscall, const char *path);

int op_create_cgroup(struct context *context, const struct op_create_cgroup *op) {
  struct cgroup_path path;
  AUTO_CLOSE int mount = open_cgroup_mount(context, op->mountpoint);
  if (mount < 0 || split_cgroup_path(context, op->path, &path) < 0) return -1;
  __attribute__((cleanup(restore_umask))) mode_t mask = umask(022);
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    int leaf = -1;
    enum outcome outcome = make_path(context, op, mount, &path, &leaf);
    if (outcome == DONE) return slot_store(context, op->cgroup, leaf);
    if (outcome == GONE) continue;
    prune_ancestors(mount, &path);
    return -1;
  }
  prune_ancestors(mount, &path);
  return fail_with(context, EAGAIN, "mkdirat", op->path);
}

static void restore_umask(const mode_t *mask) {
  umask(*mask);
}

static enum outcome make_path(struct context *context, const struct op_create_cgroup *op, int mount, const struct cgroup_path *path, int *leaf) {
  AUTO_CLOSE int parent = fcntl(mount, F_DUPFD_CLOEXEC, 3);
  if (parent < 0) return refuse(context, "fcntl", op->path);
  for (uint32_t index = 0; index < path->depth; index++) {
    char place[PATH_MAX];
    AUTO_CLOSE int child = -1;
    enum outcome outcome = enable_controllers(context, op, parent, cgroup_place(path, index, place));
    if (outcome == DONE) outcome = make_component(context, op, parent, path, index, &child);
    if (outcome != DONE) return outcome;
    close(parent);
    parent = steal_fd(&child);
  }
  *leaf = steal_fd(&parent);
  return DONE;
}

static enum outcome make_component(struct context *context, const struct op_create_cgroup *op, int parent, const struct cgroup_path *path, uint32_t index, int *child) {
  char name[NAME_MAX + 1], place[PATH_MAX];
  cgroup_name(path, index, name);
  cgroup_place(path, index + 1, place);
  bool made = mkdirat(parent, name, 0755) == 0;
  if (!made && errno != EEXIST) return is_gone(errno) ? GONE : refuse(context, "mkdirat", place);
  *child = open_in_cgroup(parent, name, O_RDONLY | O_DIRECTORY);
  if (*child < 0) return is_gone(errno) ? GONE : refuse(context, "openat2", place);
  enum outcome outcome = prepare(context, op, parent, *child, name, index + 1 == path->depth, made);
  /* Not one that another krun has locked before us: it is that one's now. */
  if (outcome == REFUSED && made && flock(*child, LOCK_EX | LOCK_NB) == 0) (void)unlinkat(parent, name, AT_REMOVEDIR);
  return outcome;
}

static enum outcome prepare(struct context *context, const struct op_create_cgroup *op, int parent, int child, const char *name, bool is_leaf, bool made) {
  if (made) test_point("cgroup-made");
  if (made && mark_cgroup(child) < 0) return is_gone(errno) ? GONE : refuse(context, "fsetxattr", name);
  if (is_leaf) test_point("cgroup-marked");
  enum outcome outcome = made ? settle_type(context, op, child) : DONE;
  if (outcome == DONE && is_leaf) outcome = claim(context, op, parent, child, name, made);
  return outcome;
}

/* Below a threaded cgroup a new one is "domain invalid", and no process may enter it before it is threaded as well. */
static enum outcome settle_type(struct context *context, const struct op_create_cgroup *op, int child) {
  char type[32];
  if (read_cgroup_file(child, "cgroup.type", type, sizeof type) < 0) return is_gone(errno) ? GONE : refuse(context, "read", op->path);
  if (strncmp(type, "domain invalid", 14) != 0) return DONE;
  if (needs_domain(&op->required)) {
    (void)fail_detail(context, EOPNOTSUPP, "write", op->path, "file=cgroup.type threaded");
    return REFUSED;
  }
  if (write_cgroup_text(child, "cgroup.type", "threaded") == 0) return DONE;
  return is_gone(errno) ? GONE : refuse(context, "write", op->path);
}

/* Only these work in a threaded cgroup (cgroups(7)). */
static bool needs_domain(const struct strings *required) {
  static const char *const threaded[] = {"cpu", "cpuset", "perf_event", "pids"};
  for (uint32_t i = 0; i < required->count; i++) {
    bool found = false;
    for (size_t j = 0; j < sizeof threaded / sizeof *threaded; j++) found = found || strcmp(required->items[i], threaded[j]) == 0;
    if (!found) return true;
  }
  return false;
}

/*
 * The leaf is ours as long as we hold its lock: of two that start with the same cgroupsPath one is refused, although neither has
 * a process in it yet. A leaf that was there before must be unused. The lock may be of a cgroup that somebody removed meanwhile.
 */
static enum outcome claim(struct context *context, const struct op_create_cgroup *op, int parent, int leaf, const char *name, bool made) {
  struct stat opened, named;
  if (flock(leaf, LOCK_EX | LOCK_NB) < 0) {
    (void)fail_detail(context, errno == EWOULDBLOCK ? EBUSY : errno, "flock", op->path, "locked");
    return REFUSED;
  }
  if (fstat(leaf, &opened) < 0) return refuse(context, "fstat", op->path);
  if (fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0) return is_gone(errno) ? GONE : refuse(context, "fstatat", op->path);
  if (opened.st_ino != named.st_ino) return GONE;
  enum outcome outcome = made ? DONE : check_unused(context, op, leaf);
  if (outcome == DONE && own_cgroup(leaf, op->owner) < 0) return is_gone(errno) ? GONE : refuse(context, "fsetxattr", op->path);
  return outcome;
}

static enum outcome check_unused(struct context *context, const struct op_create_cgroup *op, int leaf) {
  struct entries entries;
  struct entry entry;
  char processes[512];
  int populated = cgroup_event(leaf, "populated"), frozen = cgroup_event(leaf, "frozen"), more;
  if (populated < 0 || frozen < 0) return is_gone(errno) ? GONE : refuse(context, "read", op->path);
  if (populated) (void)fail_detail(context, EBUSY, "mkdirat", op->path, "populated pids=%s", list_processes(leaf, processes, sizeof processes));
  if (frozen) (void)fail_detail(context, EBUSY, "mkdirat", op->path, "frozen");
  open_entries(&entries, leaf);
  while ((more = next_directory(&entries, &entry)) > 0)
    (void)fail_detail(context, ENOTEMPTY, "mkdirat", op->path, "child=%.200s", entry.name);
  if (more < 0) (void)fail(context, "getdents64", op->path);
  return context->failed ? REFUSED : DONE;
}

static enum outcome refuse(struct context *context, const char *syscall, const char *path) {
  (void)fail(context, syscall, path);
  return REFUSED;
}

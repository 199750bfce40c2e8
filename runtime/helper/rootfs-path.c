#include "rootfs-path.h"

#include <sys/stat.h>

#include "mount-api.h"
#include "rules.h"

#define MAX_RACES 128 /* a rename elsewhere makes openat2 give EAGAIN, or a name come and go; more of them are an attack */
#define MAX_LINKS 40  /* as the kernel's */

/* Where a path has led so far. `resolved` holds no links, so that `..` can be taken back by opening it anew. */
struct walk {
  int root;
  int current;
  unsigned links_followed;
  char resolved[PATH_MAX];
  char pending[PATH_MAX];
};

static void close_walk(struct walk *walk);
static int walk_path(struct walk *walk, struct creation creation, bool *made);
static bool take_component(struct walk *walk, char *name);
static int enter(struct walk *walk, const char *name, struct creation creation, bool *made);
static int create(int parent, const char *name, struct creation creation);
static int expand_link(struct walk *walk, int link, enum links links);
static int step_into(struct walk *walk, int fd, const char *name);
static int go_up(struct walk *walk);
static int set_path(char *target, const char *first, const char *second);

int open_in_root(int root, const char *path, enum links links, int flags) {
  struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  if (links == EXACT && RULE(EXACT)) how.resolve |= RESOLVE_NO_SYMLINKS;
  if (!RULE(IN_ROOT)) how.resolve = 0;
  if (!RULE(IN_ROOT)) path += strspn(path, "/");
  for (int race = 0; race < MAX_RACES; race++) {
    int fd = sys_openat2(root, *path ? path : ".", how);
    if (fd >= 0 || errno != EAGAIN) return fd;
  }
  return -1;
}

int make_in_root(int root, const char *path, struct creation creation, bool *made) {
  bool ignored;
  if (made == NULL) made = &ignored;
  *made = false;
  int found = open_in_root(root, path, creation.links, O_PATH);
  if (found >= 0 || errno != ENOENT) return found;

  EXACT_MODES;
  __attribute__((cleanup(close_walk))) struct walk walk = {.root = root, .current = -1};
  if (set_path(walk.pending, path, "") < 0 || go_up(&walk) < 0) return -1;
  return walk_path(&walk, creation, made) < 0 ? -1 : steal_fd(&walk.current);
}

int open_exact_parent(int root, const char *path, const char **name) {
  char parent[PATH_MAX];
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  if (length >= sizeof parent) return errno = ENAMETOOLONG, -1;
  if (**name == 0 || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return errno = EINVAL, -1;
  memcpy(parent, path, length);
  parent[length] = 0;
  return make_in_root(root, length == 0 ? "/" : parent, (struct creation){.links = EXACT, .kind = S_IFDIR, .mode = 0755}, NULL);
}

mode_t set_umask(void) {
  return umask(0);
}

void restore_umask(const mode_t *mask) {
  umask(*mask);
}

static void close_walk(struct walk *walk) {
  close_descriptor(&walk->current);
}

static int walk_path(struct walk *walk, struct creation creation, bool *made) {
  char name[PATH_MAX];
  while (take_component(walk, name)) {
    bool last = walk->pending[strspn(walk->pending, "/")] == 0;
    struct creation step = last ? creation : (struct creation){.links = creation.links, .kind = S_IFDIR, .mode = 0755};
    if (strcmp(name, ".") == 0) continue;
    if (strcmp(name, "..") == 0 ? go_up(walk) < 0 : enter(walk, name, step, made) < 0) return -1;
  }
  return 0;
}

static bool take_component(struct walk *walk, char *name) {
  const char *start = walk->pending + strspn(walk->pending, "/");
  size_t length = strcspn(start, "/");
  if (length == 0) return false;
  memcpy(name, start, length);
  name[length] = 0;
  memmove(walk->pending, start + length, strlen(start + length) + 1);
  return true;
}

static int enter(struct walk *walk, const char *name, struct creation creation, bool *made) {
  for (int race = 0; race < MAX_RACES; race++) {
    AUTO_CLOSE int fd = openat(walk->current, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) return -1;
    if (fd < 0) {
      test_point("component-missing");
      if (create(walk->current, name, creation) == 0) *made = true;
      else if (errno != EEXIST) return -1;
      continue;
    }
    struct stat found;
    if (fstat(fd, &found) < 0) return -1;
    return S_ISLNK(found.st_mode) ? expand_link(walk, fd, creation.links) : step_into(walk, steal_fd(&fd), name);
  }
  return errno = EAGAIN, -1;
}

static int create(int parent, const char *name, struct creation creation) {
  if (creation.kind == S_IFDIR) return mkdirat(parent, name, creation.mode);
  int exclusive = RULE(EXCLUSIVE_CREATION) ? O_EXCL | O_NOFOLLOW : 0;
  AUTO_CLOSE int file = openat(parent, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | exclusive, creation.mode);
  return file < 0 ? -1 : 0;
}

/* The link's text takes its place in what is still to be walked. */
static int expand_link(struct walk *walk, int link, enum links links) {
  if ((links == EXACT && RULE(EXACT)) || ++walk->links_followed > MAX_LINKS) return errno = ELOOP, -1;
  char target[PATH_MAX], rest[PATH_MAX];
  ssize_t length = readlinkat(link, "", target, sizeof target - 1);
  if (length < 0) return -1;
  target[length] = 0;
  strcpy(rest, walk->pending);
  if (set_path(walk->pending, target, rest) < 0) return -1;
  if (*target != '/') return 0;
  *walk->resolved = 0;
  return go_up(walk);
}

static int step_into(struct walk *walk, int fd, const char *name) {
  close_descriptor(&walk->current);
  walk->current = fd;
  char before[PATH_MAX];
  strcpy(before, walk->resolved);
  return set_path(walk->resolved, before, name);
}

/* To the parent of what has been resolved; the root is its own. */
static int go_up(struct walk *walk) {
  char *slash = strrchr(walk->resolved, '/');
  *(slash == NULL ? walk->resolved : slash) = 0;
  close_descriptor(&walk->current);
  walk->current = open_in_root(walk->root, *walk->resolved ? walk->resolved : "/", EXACT, O_PATH | O_DIRECTORY);
  return walk->current < 0 ? -1 : 0;
}

static int set_path(char *target, const char *first, const char *second) {
  size_t length = strlen(first);
  if (length + strlen(second) + 2 > PATH_MAX) return errno = ENAMETOOLONG, -1;
  memmove(target, first, length);
  target[length] = '/';
  strcpy(target + length + 1, second);
  if (*second == 0) target[length] = 0;
  return 0;
}

#include "attach.h"

#include <sys/vfs.h>

#include "mount-api.h"
#include "rules.h"

static int check_kind(struct context *context, const char *path, int place, mode_t kind);
static int check_place(struct context *context, const struct destination *destination, int place);
static int verify(struct context *context, const struct destination *destination, int mount);

int open_destination(struct context *context, const struct destination *destination, mode_t kind, bool *made) {
  bool is_directory = S_ISDIR(kind);
  struct creation creation = {.links = destination->links, .kind = is_directory ? S_IFDIR : S_IFREG, .mode = is_directory ? 0755 : 0644};
  AUTO_CLOSE int place = make_in_root(destination->root, destination->path, creation, made);
  if (place < 0) return fail_detail(context, errno, "openat2", destination->path, "destination=%s", is_directory ? "directory" : "file");
  if (check_kind(context, destination->path, place, kind) < 0 || check_place(context, destination, place) < 0) return -1;
  test_point("destination-open");
  return steal_fd(&place);
}

int attach(struct context *context, const struct destination *destination, int place, int mount) {
  if (!RULE(DESCRIPTORS)) { /* what runtimes did before CVE-2021-30465 */
    const char *path = destination->path + strspn(destination->path, "/");
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
    return syscall(SYS_move_mount, mount, "", destination->root, path, flags) < 0 ? fail(context, "move_mount", destination->path) : 0;
  }
  if (sys_move_mount(mount, place) < 0) return fail(context, "move_mount", destination->path);
  test_point("attached");
  return verify(context, destination, mount);
}

static int check_kind(struct context *context, const char *path, int place, mode_t kind) {
  struct stat found;
  if (fstat(place, &found) < 0) return fail(context, "fstat", path);
  if (S_ISDIR(found.st_mode) == S_ISDIR(kind)) return 0;
  if (S_ISDIR(kind)) return fail_detail(context, ENOTDIR, "move_mount", path, "source=directory destination=file");
  return fail_detail(context, EISDIR, "move_mount", path, "source=file destination=directory");
}

/*
 * The image can make a destination that the plan has approved lead elsewhere, through a symlink: onto the root itself,
 * which would stay unseen below it, or into a procfs, to fake what is read and written there (CVE-2025-52881).
 */
static int check_place(struct context *context, const struct destination *destination, int place) {
  struct place root, here;
  if (find_place(destination->root, &root) < 0 || find_place(place, &here) < 0) return fail(context, "statx", destination->path);
  if (root.mount == here.mount && root.inode == here.inode)
    return fail_detail(context, EBUSY, "move_mount", destination->path, "destination=root");

  struct statfs filesystem;
  if (fstatfs(place, &filesystem) < 0) return fail(context, "fstatfs", destination->path);
  if (filesystem.f_type != PROCFS_MAGIC || destination->links == EXACT || !RULE(PROCFS_DESTINATION)) return 0;
  AUTO_CLOSE int exact = open_in_root(destination->root, destination->path, EXACT, O_PATH);
  return exact < 0 ? fail_detail(context, errno, "openat2", destination->path, "filesystem=proc") : 0;
}

static int verify(struct context *context, const struct destination *destination, int mount) {
  struct place wanted, found;
  AUTO_CLOSE int place = open_in_root(destination->root, destination->path, destination->links, O_PATH);
  if (place < 0) return fail(context, "openat2", destination->path);
  if (find_place(mount, &wanted) < 0 || find_place(place, &found) < 0) return fail(context, "statx", destination->path);
  if (wanted.mount == found.mount) return 0;
  return fail_detail(context, ELOOP, "move_mount", destination->path, "destination=changed");
}

/* LSM labels: of the coming execve through a procfs that no image can fake (CVE-2019-16884), of a mount's root by its attribute. */
#include "krun.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "rules.h"

static int open_proc_of(struct context *context, uint32_t slot, int *own);
static int open_attribute(int proc, char *const *files, const char **path);
static int check_procfs(struct context *context, int fd, const char *path);
static int write_label(struct context *context, int fd, const char *path, const struct op_write_process_label *op);
static bool is_label(const char *text, const char *label);

int op_write_process_label(struct context *context, const struct op_write_process_label *op) {
  AUTO_CLOSE int own = -1;
  int proc = open_proc_of(context, op->proc, &own);
  if (proc < 0) return -1;
  const char *path = "";
  AUTO_CLOSE int fd = open_attribute(proc, op->files.items, &path);
  if (fd < 0) return fail(context, "openat2", path);
  return check_procfs(context, fd, path) < 0 ? -1 : write_label(context, fd, path, op);
}

/* What fsmount gives is a handle, which takes no attributes: they go to its root opened anew. */
int op_set_mount_label(struct context *context, const struct op_set_mount_label *op) {
  int mount = slot_fd(context, op->mount);
  if (mount < 0) return -1;
  AUTO_CLOSE int root = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (root < 0) return fail(context, "openat", "");
  return fsetxattr(root, "security.selinux", op->label, strlen(op->label) + 1, 0) < 0 ? fail(context, "fsetxattr", "") : 0;
}

/* Without a slot it is the caller's own /proc, which counts only as long as no container has been joined. */
static int open_proc_of(struct context *context, uint32_t slot, int *own) {
  if (RULE(LABEL_PROC) && slot != NO_SLOT) return slot_fd(context, slot);
  *own = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return *own < 0 ? fail(context, "open", "/proc") : *own;
}

/* The first of the files that is there. `self` is a symbolic link of the kernel's; below it none is followed. */
static int open_attribute(int proc, char *const *files, const char **path) {
  const struct open_how self = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
  const struct open_how file = {
    .flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
  };
  *path = "self";
  AUTO_CLOSE int directory = (int)syscall(SYS_openat2, proc, "self", &self, sizeof self);
  int fd = -1;
  for (size_t i = 0; directory >= 0 && fd < 0 && files[i] != NULL; i++) {
    *path = files[i];
    fd = (int)syscall(SYS_openat2, directory, files[i], &file, sizeof file);
    if (fd < 0 && errno != ENOENT) return -1;
  }
  return fd;
}

static int check_procfs(struct context *context, int fd, const char *path) {
  struct statfs file_system;
  if (fstatfs(fd, &file_system) < 0) return fail(context, "fstatfs", path);
  if (RULE(LABEL_PROC) && file_system.f_type != PROC_SUPER_MAGIC) return fail_detail(context, EXDEV, "openat2", path, "proc=0");
  return 0;
}

/* Read back: a write that changes nothing would leave the process unconfined. */
static int write_label(struct context *context, int fd, const char *path, const struct op_write_process_label *op) {
  size_t length = strlen(op->value);
  ssize_t written = write(fd, op->value, length);
  if (written < 0) return fail(context, "write", path);
  char text[4096];
  ssize_t count = (size_t)written == length ? pread(fd, text, sizeof text - 1, 0) : 0;
  if (count < 0) return fail(context, "read", path);
  text[count] = '\0';
  return is_label(text, op->label) ? 0 : fail_detail(context, EPROTO, "read", path, "label=%.200s", text);
}

/* The label alone, or as AppArmor says it, with its mode: "profile (enforce)\n". */
static bool is_label(const char *text, const char *label) {
  size_t length = strlen(label);
  if (strncmp(text, label, length) != 0) return false;
  const char *rest = text + length;
  return *rest == '\0' || strcmp(rest, "\n") == 0 || strncmp(rest, " (", 2) == 0;
}

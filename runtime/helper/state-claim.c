/* What a plan would remove is what its maker has looked at: claimed by the lock, and still the same. Else the slot is left empty. */
#include <sys/stat.h>

#include "state-directory.h"

static int holds(int directory, const char *name, const struct bytes *content);

int op_claim_state_directory(struct context *context, const struct op_claim_state_directory *op) {
  if (!is_plain_name(op->id)) return fail_with(context, EINVAL, "openat", op->id);
  AUTO_CLOSE int root = open_root_directory(op->path);
  if (root < 0) return errno == ENOENT ? 0 : fail(context, "open", op->path);
  if (faccessat(root, op->id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) return 0;
  AUTO_CLOSE int directory = open_entry(context, root, op->id);
  if (directory < 0) return -1;
  if (wait_for_lock(directory, op->wait ? LOCK_PATIENCE : 0) < 0)
    return errno == EWOULDBLOCK && !op->wait ? 0 : fail_detail(context, errno, "flock", op->id, "locked");
  int same = is_same(root, op->id, directory);
  if (same < 0) return fail(context, "fstatat", op->id);
  return same == 0 ? 0 : slot_store(context, op->directory, steal_fd(&directory));
}

int op_expect_state_file(struct context *context, const struct op_expect_state_file *op) {
  if (!is_plain_name(op->name)) return fail_with(context, EINVAL, "openat", op->name);
  if (slot_empty(context, op->directory)) return 0;
  int same = holds(context->slots[op->directory], op->name, &op->content);
  if (same < 0) return fail(context, "read", op->name);
  if (same == 0) close_descriptor(&context->slots[op->directory]);
  if (same == 0) context->slots[op->directory] = -1;
  return 0;
}

/* Not the directory's own lock: that is held by whoever attends to the container, for as long as it runs. */
int op_lock_state_file(struct context *context, const struct op_lock_state_file *op) {
  int directory = slot_fd(context, op->directory);
  if (directory < 0) return -1;
  if (!is_plain_name(op->name)) return fail_with(context, EINVAL, "openat", op->name);
  AUTO_CLOSE int file = openat(directory, op->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (file < 0) return fail(context, "openat", op->name);
  if (wait_for_lock(file, LOCK_PATIENCE) < 0) return fail_detail(context, errno, "flock", op->name, "locked");
  return slot_store(context, op->lock, steal_fd(&file));
}

static int holds(int directory, const char *name, const struct bytes *content) {
  char buffer[4096];
  AUTO_CLOSE int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return errno == ENOENT ? content->length == 0 : -1;
  for (uint32_t compared = 0;;) {
    ssize_t count = read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) return compared == content->length;
    if ((size_t)count > content->length - compared || memcmp(content->data + compared, buffer, (size_t)count) != 0) return 0;
    compared += (uint32_t)count;
  }
}

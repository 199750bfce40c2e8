/* The working directory, which a leaked descriptor of the host must never become: CVE-2024-21626. */
#include "krun.h"

#include <stdio.h>
#include <sys/syscall.h>

#include "rules.h"

static int refuse_outside(struct context *context, const char *path);

int op_change_directory(struct context *context, const struct op_change_directory *op) {
  if (context->in_directory) return refuse_outside(context, op->path); /* the second try after a first that worked */
  if (chdir(op->path) < 0) {
    if (op->may_be_denied && (errno == EACCES || errno == EPERM)) return 0;
    return fail(context, "chdir", op->path);
  }
  context->in_directory = true;
  return refuse_outside(context, op->path);
}

/* The kernel's own answer, since a libc may make up one: "(unreachable)/…" outside our root, ENOENT for a deleted directory. */
static int refuse_outside(struct context *context, const char *path) {
  if (!RULE(CWD_CHECK)) return 0;
  char directory[PATH_MAX];
  if (syscall(SYS_getcwd, directory, sizeof directory) < 0) return fail(context, "getcwd", path);
  if (directory[0] != '/') return fail_detail(context, EXDEV, "getcwd", path, "outside=1");
  return 0;
}

/* captureOutput: a program of the host for which the supervisor, which never forks, asks. */
#include <signal.h>
#include <sys/mman.h>

#include "follow-up.h"
#include "process.h"

static pid_t start_captured(const struct op_capture_output *op, int output, volatile int *error);

/* A memory file, so that nobody need read while it runs. */
int op_capture_output(struct context *context, const struct op_capture_output *op) {
  AUTO_CLOSE int output = memfd_create("krun-output", MFD_CLOEXEC);
  if (output < 0) return fail(context, "memfd_create", "");
  volatile int error = 0;
  pid_t pid = start_captured(op, output, &error);
  if (pid < 0) return fail(context, "vfork", op->path);
  int status = reap(pid);
  if (error != 0) return fail_with(context, error, "execve", op->path);
  if (status != 0) return fail_detail(context, ECHILD, "execve", op->path, "status=%d", status);
  if (lseek(output, 0, SEEK_SET) < 0 || hand_on_all(context, output, MAX_READ_INPUT) < 0) return fail(context, "read", op->path);
  return 0;
}

/* Standard input and error are the caller's. The child writes to our memory until it executes: that is how its errno comes back. */
static pid_t start_captured(const struct op_capture_output *op, int output, volatile int *error) {
  pid_t pid = vfork();
  if (pid != 0) return pid;
  sigset_t none;
  sigemptyset(&none);
  if (dup2(output, 1) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0) execve(op->path, op->arguments.items, op->environment.items);
  *error = errno;
  _exit(127);
}

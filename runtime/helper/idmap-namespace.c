/* A user namespace that exists for its id maps alone: a process that only waits holds it until it is open. */
#include <linux/sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "id-map.h"
#include "krun.h"

static _Noreturn void wait_for_end(int line[2]);
static int open_namespace_of(struct context *context, pid_t holder);

int op_create_user_namespace(struct context *context, const struct op_create_user_namespace *op) {
  int line[2];
  if (pipe2(line, O_CLOEXEC) < 0) return fail(context, "pipe2", "");
  struct clone_args arguments = {.flags = CLONE_NEWUSER}; /* no exit signal: nobody else waits for it */
  pid_t holder = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (holder == 0) wait_for_end(line);
  int error = errno;
  close(line[0]);
  AUTO_CLOSE int namespace = -1;
  if (holder < 0) (void)fail_with(context, error, "clone3", "");
  else if (write_id_maps(context, holder, op->uid_map, op->gid_map, false) == 0) namespace = open_namespace_of(context, holder);
  close(line[1]);
  while (holder > 0 && waitpid(holder, NULL, __WALL) < 0 && errno == EINTR) continue;
  return namespace < 0 ? -1 : slot_store(context, op->namespace, steal_fd(&namespace));
}

/* It ends with the pipe's other end, even when the helper is killed. */
static _Noreturn void wait_for_end(int line[2]) {
  char nothing;
  close(line[1]);
  while (read(line[0], &nothing, 1) < 0 && errno == EINTR) continue;
  _exit(0);
}

static int open_namespace_of(struct context *context, pid_t holder) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", holder);
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  return namespace < 0 ? fail(context, "open", path) : namespace;
}

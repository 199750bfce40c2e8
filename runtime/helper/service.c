/* Becoming a service: a socket to listen at, and the program that does. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "krun.h"
#include "signals.h"

#define BACKLOG 4096 /* net.core.somaxconn is its limit: a burst of starts must not be turned away */

static int address_of(int directory, const char *name, struct sockaddr_un *address);
static bool is_served(const struct sockaddr_un *address);
static int duplicate(struct context *context, uint32_t slot);

/* Under a name of its own first: a client finds the old socket or one that listens already. */
int op_listen(struct context *context, const struct op_listen *op) {
  char temporary[NAME_MAX + 1];
  struct sockaddr_un address;
  int directory = slot_fd(context, op->directory);
  if (directory < 0) return -1;
  if (strchr(op->name, '/') != NULL || strlen(op->name) > 64) return fail_with(context, EINVAL, "bind", op->name);
  if (address_of(directory, op->name, &address) < 0) return fail(context, "bind", op->name);
  if (is_served(&address)) return fail_with(context, EADDRINUSE, "bind", op->name);

  snprintf(temporary, sizeof temporary, ".%s.new", op->name);
  if (unlinkat(directory, temporary, 0) < 0 && errno != ENOENT) return fail(context, "unlinkat", temporary);
  AUTO_CLOSE int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || address_of(directory, temporary, &address) < 0) return fail(context, "socket", "");
  if (bind(listener, (const struct sockaddr *)&address, sizeof address) < 0) return fail(context, "bind", temporary);
  if (fchmodat(directory, temporary, 0600, 0) < 0 || listen(listener, BACKLOG) < 0) return fail(context, "listen", temporary);
  if (renameat(directory, temporary, directory, op->name) < 0) return fail(context, "renameat", op->name);
  return slot_store(context, op->socket, steal_fd(&listener));
}

/* A slot that is empty leaves what the caller has handed down at that number. */
int op_become_program(struct context *context, const struct op_become_program *op) {
  AUTO_CLOSE int third = duplicate(context, op->third);
  AUTO_CLOSE int fourth = duplicate(context, op->fourth);
  if (context->failed) return -1;
  if ((third >= 0 && dup2(third, 3) < 0) || (fourth >= 0 && dup2(fourth, 4) < 0)) return fail(context, "dup2", "");
  restore_signals();
  execve(op->path, op->arguments.items, op->environment.items);
  return fail(context, "execve", op->path);
}

/* Through the descriptor: a path below a runtime directory may be longer than sun_path. */
static int address_of(int directory, const char *name, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", directory, name);
  if (length < (int)sizeof address->sun_path) return 0;
  errno = ENAMETOOLONG;
  return -1;
}

static bool is_served(const struct sockaddr_un *address) {
  AUTO_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return probe >= 0 && (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
}

/* Out of the way of both numbers; -1 for an empty slot. */
static int duplicate(struct context *context, uint32_t slot) {
  if (slot_empty(context, slot)) return -1;
  int copy = fcntl(slot_fd(context, slot), F_DUPFD_CLOEXEC, 10);
  return copy < 0 ? fail(context, "fcntl", "") : copy;
}

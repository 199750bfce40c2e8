/*
 * The listener of SCMP_ACT_NOTIFY on its way from init, which gets it, to the agent. As soon as init is under the filter, each of its calls
 * may be refused, or wait for the very agent: what must be said is said in shared memory. The calls beside that only save time, and
 * whatever becomes of them is not looked at. The agent's socket is the helper's affair, which is under no filter.
 */
#include "seccomp-listener.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "process.h"
#include "seccomp.h"
#include "signals.h"
#include "socket.h"

struct handover {
  int listener; /* init's number for it; -1: not there yet */
  int is_sent;
};

/* Where init's knock does not come through, the memory is looked at as often as this. */
#define LOOK_MILLISECONDS 1
/* Should the filter refuse recvfrom, init goes round as often as this: some ten seconds, for a helper may die. */
#define MOST_ROUNDS 100000000

static void free_text(char **text);
static int await_number(struct context *context);
static void await_confirmation(struct context *context);
static int join_parts(struct context *context, const struct strings *parts, char **text);
static int send_listener(struct context *context, int socket_fd, int listener, const char *text, size_t length);

int op_share_listener(struct context *context, const struct op_share_listener *op) {
  (void)op;
  context->handover = mmap(NULL, sizeof *context->handover, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (context->handover == MAP_FAILED) {
    context->handover = NULL;
    return fail(context, "mmap", "");
  }
  context->handover->listener = -1;
  return 0;
}

void forget_listener(struct context *context) {
  if (context->handover != NULL) munmap(context->handover, sizeof *context->handover);
  context->handover = NULL;
}

/* Closed at the end: while a created container waits at its gate, no call of its init is to wait for an agent that has gone. */
int op_install_seccomp_listener(struct context *context, const struct op_install_seccomp_listener *op) {
  if (context->handover == NULL) return fail_with(context, EPROTO, "seccomp", "");
  knock(context); /* while we still can, and with our pid */
  int listener = install_filter(context, &op->program, op->flags);
  if (listener < 0) return -1;
  __atomic_store_n(&context->handover->listener, listener, __ATOMIC_RELEASE);
  knock(context);
  await_confirmation(context);
  close(listener);
  return 0;
}

int op_take_listener(struct context *context, const struct op_take_listener *op) {
  int number = await_number(context);
  if (number < 0) return -1;
  AUTO_CLOSE int init = (int)syscall(SYS_pidfd_open, context->knocker, 0u);
  if (init < 0) return fail(context, "pidfd_open", "");
  AUTO_CLOSE int listener = (int)syscall(SYS_pidfd_getfd, init, number, 0u);
  return listener < 0 ? fail(context, "pidfd_getfd", "") : slot_store(context, op->listener, steal_fd(&listener));
}

int op_send_process_state(struct context *context, const struct op_send_process_state *op) {
  int socket_fd = slot_fd(context, op->socket), listener = slot_fd(context, op->listener);
  __attribute__((cleanup(free_text))) char *text = NULL;
  if (socket_fd < 0 || listener < 0) return -1;
  int length = join_parts(context, &op->parts, &text);
  if (length < 0 || send_listener(context, socket_fd, listener, text, (size_t)length) < 0) return -1;
  slot_close(context, op->listener);
  slot_close(context, op->socket);
  return 0;
}

int op_confirm_listener(struct context *context, const struct op_confirm_listener *op) {
  (void)op;
  __atomic_store_n(&context->handover->is_sent, 1, __ATOMIC_RELEASE);
  knock(context);
  return 0;
}

static void free_text(char **text) {
  free(*text);
}

static int await_number(struct context *context) {
  if (context->handover == NULL) return fail_with(context, EPROTO, "seccomp", "");
  int number;
  while ((number = __atomic_load_n(&context->handover->listener, __ATOMIC_ACQUIRE)) < 0 || context->knocker == 0)
    if (hear_within(context, LOOK_MILLISECONDS) < 0) return -1;
  return number;
}

/* An agent may answer recvfrom as it likes, which it cannot before it has the listener: then the memory says so soon. */
static void await_confirmation(struct context *context) {
  for (unsigned round = 0; !__atomic_load_n(&context->handover->is_sent, __ATOMIC_ACQUIRE); round++)
    if (round == MOST_ROUNDS || !hear_knock(context)) _exit(1);
}

/* Allocated; its length, or -1. */
static int join_parts(struct context *context, const struct strings *parts, char **text) {
  size_t size = 1;
  for (uint32_t i = 0; i < parts->count; i++) size += strlen(parts->items[i]) + sizeof "2147483647";
  if (size > INT_MAX) return fail_with(context, E2BIG, "malloc", "");
  *text = malloc(size);
  if (*text == NULL) return fail(context, "malloc", "");
  int length = 0;
  for (uint32_t i = 0; i < parts->count; i++) {
    if (i > 0) length += snprintf(*text + length, size - (size_t)length, "%d", i == 1 ? context->knocker : context->init);
    length += snprintf(*text + length, size - (size_t)length, "%s", parts->items[i]);
  }
  return length;
}

/*
 * The descriptor goes with the first of it, which is all that a socket's buffer takes: agents like to read once. One that does not read
 * at all must not hold us for ever, the caller may want us to leave.
 */
static int send_listener(struct context *context, int socket_fd, int listener, const char *text, size_t length) {
  AUTO_CLOSE int signals = open_interrupts();
  struct pollfd ready[] = {{.fd = socket_fd, .events = POLLOUT}, {.fd = signals, .events = POLLIN}};
  for (size_t sent = 0; sent < length;) {
    if (poll(ready, 2, -1) < 0 && errno != EINTR) return fail(context, "poll", "");
    if (ready[1].revents != 0 && refuse_interrupted(context) < 0) return -1;
    struct parcel parcel = {.data = text + sent, .length = length - sent, .descriptor = sent == 0 ? listener : -1};
    ssize_t count = send_parcel(socket_fd, &parcel, MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(context, "sendmsg", "");
    if (count > 0) sent += (size_t)count;
  }
  return 0;
}

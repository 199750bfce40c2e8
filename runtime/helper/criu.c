/*
 * The dialogue with criu (criu.org/RPC). `criu swrk` is the child that was cloned; what is asked of it is the plan's. It may hold the
 * container's processes half taken apart: it is not killed while it can be told to stop, by the end of its socket.
 */
#include <sys/socket.h>

#include "criu.h"
#include "criu-message.h"
#include "krun.h"
#include "process.h"

enum { LARGEST_MESSAGE = 65536 };

static int acknowledge(struct context *context, int line);
static int follow(struct context *context, const struct op_await_criu *op, int line);
static int hear(struct context *context, const struct op_await_criu *op, int line, struct criu_response *response);
static ssize_t receive(int line, uint8_t *data, int *descriptor);
static int take(struct context *context, const struct op_await_criu *op, const struct criu_response *response);
static int end_well(struct context *context, const struct op_await_criu *op);
static void end_line(struct context *context);
static int reap_criu(struct context *context);

int op_request_criu(struct context *context, const struct op_request_criu *op) {
  int line = slot_fd(context, op->socket);
  if (line < 0) return -1;
  context->criu = &context->slots[op->socket];
  ssize_t sent;
  do sent = send(line, op->request.data, op->request.length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)op->request.length ? 0 : fail(context, "send", "");
}

int op_await_criu(struct context *context, const struct op_await_criu *op) {
  int line = slot_fd(context, op->socket);
  if (line < 0) return -1;
  if ((op->acknowledge && acknowledge(context, line) < 0) || follow(context, op, line) < 0) return -1;
  if (op->script[0] != '\0') return 0;
  end_line(context);
  return end_well(context, op);
}

/* criu_req{type: NOTIFY, notify_success: true}. */
static int acknowledge(struct context *context, int line) {
  static const uint8_t done[] = {0x08, CRIU_NOTIFY, 0x18, 0x01};
  ssize_t sent;
  do sent = send(line, done, sizeof done, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == sizeof done ? 0 : fail(context, "send", "");
}

static int follow(struct context *context, const struct op_await_criu *op, int line) {
  struct criu_response response;
  for (;;) {
    if (hear(context, op, line, &response) < 0 || take(context, op, &response) < 0) return -1;
    bool is_end = response.type != CRIU_NOTIFY;
    if (is_end && op->script[0] != '\0') return fail_detail(context, EPROTO, "criu", op->log, "it did not come to %s", op->script);
    if (is_end || strcmp(response.script, op->script) == 0) return 0;
    if (acknowledge(context, line) < 0) return -1;
  }
}

static int hear(struct context *context, const struct op_await_criu *op, int line, struct criu_response *response) {
  uint8_t data[LARGEST_MESSAGE];
  AUTO_CLOSE int descriptor = -1;
  if (await_line(context, line) < 0) return -1;
  ssize_t length = receive(line, data, &descriptor);
  if (length < 0) return fail(context, "recvmsg", "");
  if (length == 0) return fail_detail(context, ECHILD, "criu", op->log, "it ended without an answer");
  if (!read_criu_response(data, (size_t)length, response)) return fail_with(context, EPROTO, "criu", op->log);
  return descriptor < 0 || op->terminal == NO_SLOT ? 0 : slot_store(context, op->terminal, steal_fd(&descriptor));
}

/* With a notification of a terminal (orphan-pts-master) comes its master. */
static ssize_t receive(int line, uint8_t *data, int *descriptor) {
  union {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec part = {.iov_base = data, .iov_len = LARGEST_MESSAGE};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(line, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  const struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
  if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
    memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
  return length < 0 && errno == ECONNRESET ? 0 : length;
}

/* From the first word on about a process that it restores, that one is ours to end. */
static int take(struct context *context, const struct op_await_criu *op, const struct criu_response *response) {
  if (!response->success) {
    const char *words = response->message[0] != '\0' ? response->message : "it gives no reason";
    return fail_detail(context, response->error > 0 && response->error < 4096 ? (int)response->error : EPROTO, "criu", op->log, "%s", words);
  }
  if (!op->restores || response->pid == 0) return 0;
  if (response->pid > INT_MAX || (pid_t)response->pid == context->child) return fail_with(context, EPROTO, "criu", op->log);
  context->init = (pid_t)response->pid;
  return 0;
}

static int end_well(struct context *context, const struct op_await_criu *op) {
  int status = reap_criu(context);
  if (op->restores && context->init == 0) return fail_detail(context, EPROTO, "criu", op->log, "it has named no process");
  context->child = context->init;
  return status == 0 || !op->restores ? 0 : fail_detail(context, ECHILD, "criu", op->log, "status=%d", status);
}

/* It may take its time; killed, it would leave the processes that it dumps in pieces. */
void stop_criu(struct context *context) {
  end_line(context);
  (void)reap_criu(context);
  context->child = context->init;
}

static void end_line(struct context *context) {
  close_descriptor(context->criu);
  *context->criu = -1;
  context->criu = NULL;
}

static int reap_criu(struct context *context) {
  pid_t criu = context->child;
  if (context->init == criu) context->init = 0;
  context->child = 0;
  return criu > 0 ? reap(criu) : 0;
}

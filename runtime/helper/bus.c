/* callBus: what the supervisor has composed goes to the D-Bus of systemd; what comes back is looked at only for how it went. */
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "bus-message.h"
#include "krun.h"
#include "scope.h"

struct bus {
  int fd;
  int64_t deadline;
};

static int connect_bus(const struct strings *sockets);
static int converse(struct context *context, const struct op_call_bus *op, struct bus *bus);
static int greet(struct bus *bus);
static int read_line(struct bus *bus, char *line, size_t size);
static int send_messages(struct context *context, const struct op_call_bus *op, struct bus *bus);
static int await_reply(struct context *context, const struct op_call_bus *op, struct bus *bus, char *job, size_t size);
static int await_job(struct context *context, const struct op_call_bus *op, struct bus *bus, const char *job);
static int refuse(struct context *context, const struct op_call_bus *op, const struct message *message);
static bool is_tolerated(const struct op_call_bus *op, const char *error);
static int send_all(struct bus *bus, const void *data, size_t length);
static message_reader receive_exactly;
static int await_ready(const struct bus *bus, short events);
static int64_t now(void);

int op_call_bus(struct context *context, const struct op_call_bus *op) {
  AUTO_CLOSE int fd = connect_bus(&op->sockets);
  struct bus bus = {.fd = fd, .deadline = now() + op->milliseconds};
  const char *last = op->sockets.count == 0 ? "" : op->sockets.items[op->sockets.count - 1];
  if (fd < 0) return op->or_gone ? 0 : fail(context, "connect", last);
  if (greet(&bus) < 0) return fail_detail(context, errno, "connect", last, "authentication");
  return converse(context, op, &bus);
}

/* Of the errors the last one counts: the sockets are in the order in which they are likely. */
static int connect_bus(const struct strings *sockets) {
  errno = ENOENT;
  for (uint32_t i = 0; i < sockets->count; i++) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(sockets->items[i]) >= sizeof address.sun_path) {
      errno = ENAMETOOLONG;
      continue;
    }
    strcpy(address.sun_path, sockets->items[i]);
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return steal_fd(&fd);
  }
  return -1;
}

static int converse(struct context *context, const struct op_call_bus *op, struct bus *bus) {
  char job[256] = "";
  if (send_messages(context, op, bus) < 0) return -1;
  int replied = await_reply(context, op, bus, job, sizeof job);
  return replied > 0 && op->await_job ? await_job(context, op, bus, job) : replied < 0 ? -1 : 0;
}

/* EXTERNAL without a name: we are who the socket says we are, which is right in any user namespace. */
static int greet(struct bus *bus) {
  static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
  char line[256];
  if (send_all(bus, hello, sizeof hello - 1) < 0 || read_line(bus, line, sizeof line) < 0) return -1;
  if (strcmp(line, "DATA") == 0 && read_line(bus, line, sizeof line) < 0) return -1;
  if (strncmp(line, "OK", 2) == 0) return 0;
  errno = EACCES;
  return -1;
}

/* Byte by byte: what follows the line is not ours to take. */
static int read_line(struct bus *bus, char *line, size_t size) {
  for (size_t length = 0; length < size; length++) {
    if (receive_exactly(bus, line + length, 1) < 0) return -1;
    if (line[length] != '\n') continue;
    line[length > 0 ? length - 1 : 0] = '\0';
    return 0;
  }
  errno = EBADMSG;
  return -1;
}

static int send_messages(struct context *context, const struct op_call_bus *op, struct bus *bus) {
  const struct bytes *messages = &op->messages;
  const uint32_t at = op->pid_at;
  if (at == 0) return send_all(bus, messages->data, messages->length) < 0 ? fail(context, op->method, op->unit) : 0;
  const uint32_t pid = (uint32_t)anchor_or_child(context, op->anchor);
  if (pid == 0) return -1;
  if (at > messages->length || messages->length - at < sizeof pid) return fail_with(context, EINVAL, op->method, op->unit);
  const uint32_t after = at + (uint32_t)sizeof pid;
  if (send_all(bus, messages->data, at) < 0 || send_all(bus, &pid, sizeof pid) < 0 || send_all(bus, messages->data + after, messages->length - after) < 0)
    return fail(context, op->method, op->unit);
  return 0;
}

/* 1 with the first string of the reply; 0 when the error that came is tolerated; -1. Errors to messages before it count as well. */
static int await_reply(struct context *context, const struct op_call_bus *op, struct bus *bus, char *job, size_t size) {
  struct message message;
  for (;;) {
    if (read_message(receive_exactly, bus, &message) < 0) return fail(context, op->method, op->unit);
    if (message.type == MESSAGE_ERROR && !is_tolerated(op, message.error)) return refuse(context, op, &message);
    if (message.reply_to != op->serial) continue;
    if (message.type == MESSAGE_ERROR) return 0;
    if (message.type != MESSAGE_RETURN) continue;
    const char *name = message_string(&message, 0);
    snprintf(job, size, "%s", name == NULL ? "" : name);
    return 1;
  }
}

/* JobRemoved (id, job, unit, result) of org.freedesktop.systemd1(5); it comes after the reply, both being systemd's. */
static int await_job(struct context *context, const struct op_call_bus *op, struct bus *bus, const char *job) {
  struct message message;
  for (;;) {
    if (read_message(receive_exactly, bus, &message) < 0) return fail(context, op->method, op->unit);
    if (message.type != MESSAGE_SIGNAL || strcmp(message.member, "JobRemoved") != 0) continue;
    const char *removed = message_string(&message, 0), *result = message_string(&message, 2);
    if (removed == NULL || result == NULL || strcmp(removed, job) != 0) continue;
    return strcmp(result, "done") == 0 ? 0 : fail_detail(context, ECANCELED, op->method, op->unit, "result=%.100s", result);
  }
}

static int refuse(struct context *context, const struct op_call_bus *op, const struct message *message) {
  const char *said = message_string(message, 0);
  return fail_detail(context, EREMOTEIO, op->method, op->unit, "error=%s said=%.600s", message->error, said == NULL ? "" : said);
}

static bool is_tolerated(const struct op_call_bus *op, const char *error) {
  for (uint32_t i = 0; i < op->tolerated.count; i++)
    if (strcmp(op->tolerated.items[i], error) == 0) return true;
  return false;
}

static int send_all(struct bus *bus, const void *data, size_t length) {
  for (const char *at = data; length > 0;) {
    if (await_ready(bus, POLLOUT) < 0) return -1;
    ssize_t sent = send(bus->fd, at, length, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return -1;
    at += sent;
    length -= (size_t)sent;
  }
  return 0;
}

static int receive_exactly(void *from, void *data, size_t length) {
  struct bus *bus = from;
  char skipped[1024];
  while (length > 0) {
    size_t wanted = data != NULL || length < sizeof skipped ? length : sizeof skipped;
    if (await_ready(bus, POLLIN) < 0) return -1;
    ssize_t got = recv(bus->fd, data != NULL ? data : skipped, wanted, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) return -1;
    if (data != NULL) data = (char *)data + got;
    length -= (size_t)got;
  }
  return 0;
}

static int await_ready(const struct bus *bus, short events) {
  struct pollfd ready = {.fd = bus->fd, .events = events};
  for (;;) {
    int64_t left = bus->deadline - now();
    int count = left <= 0 ? 0 : poll(&ready, 1, left > INT_MAX ? INT_MAX : (int)left);
    if (count > 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ETIMEDOUT;
    return -1;
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

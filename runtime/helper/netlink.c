#include "netlink.h"

#include <sys/socket.h>

static int send_request(int socket, struct netlink_request *request);
static int hear_messages(const char *buffer, size_t length, netlink_listener listener, void *heard);

void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *fixed, size_t length) {
  *request = (struct netlink_request){.header = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = 1}};
  memcpy(request->body, fixed, length);
  request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(length);
}

/* What does not fit makes the request too long to be sent. */
void netlink_add(struct netlink_request *request, uint16_t attribute, const void *data, size_t length) {
  size_t at = NLMSG_ALIGN(request->header.nlmsg_len), end = at + RTA_LENGTH(length);
  request->header.nlmsg_len = (uint32_t)end;
  if (end > sizeof *request) return;
  struct rtattr head = {.rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = attribute};
  memcpy((char *)request + at, &head, sizeof head);
  memcpy((char *)request + at + RTA_LENGTH(0), data, length);
}

int netlink_carry_out(int socket, struct netlink_request *request) {
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[1024];
  } answer;
  request->header.nlmsg_flags |= NLM_F_ACK;
  if (send_request(socket, request) < 0) return -1;
  ssize_t length;
  do length = recv(socket, &answer, sizeof answer, 0);
  while (length < 0 && errno == EINTR);
  if (length < 0) return -1;
  errno = EPROTO;
  if ((size_t)length < offsetof(__typeof__(answer), error.msg) || answer.header.nlmsg_type != NLMSG_ERROR) return -1;
  errno = -answer.error.error;
  return answer.error.error == 0 ? 0 : -1;
}

int netlink_dump(int socket, struct netlink_request *request, netlink_listener listener, void *heard) {
  _Alignas(struct nlmsghdr) char buffer[32768]; /* the kernel's largest part of a dump */
  if (send_request(socket, request) < 0) return -1;
  for (;;) {
    ssize_t length = recv(socket, buffer, sizeof buffer, MSG_TRUNC);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return -1;
    if ((size_t)length > sizeof buffer) return errno = EMSGSIZE, -1;
    int over = hear_messages(buffer, (size_t)length, listener, heard);
    if (over != 0) return over < 0 ? -1 : 0;
  }
}

/* 1 when the dump is over. */
static int hear_messages(const char *buffer, size_t length, netlink_listener listener, void *heard) {
  const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;
  for (unsigned rest = (unsigned)length; NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
    if (message->nlmsg_type == NLMSG_DONE) return 1;
    if (message->nlmsg_type == NLMSG_ERROR) return errno = -((const struct nlmsgerr *)NLMSG_DATA(message))->error, -1;
    if (listener(heard, message) < 0) return -1;
  }
  return 0;
}

static int send_request(int socket, struct netlink_request *request) {
  if (request->header.nlmsg_len > sizeof *request) return errno = EMSGSIZE, -1;
  return send(socket, request, request->header.nlmsg_len, 0) < 0 ? -1 : 0;
}

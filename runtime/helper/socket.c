/* Descriptors on their way to another process: the console socket, the pidfd socket, and from init to the helper. */
#include "socket.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "krun.h"

static int open_address(struct context *context, const char *path, struct sockaddr_un *address);

/* One descriptor and its name in one message, as runc's utils.SendRawFd has it. */
union one_descriptor {
  char space[CMSG_SPACE(sizeof(int))];
  struct cmsghdr aligned;
};

int op_connect_socket(struct context *context, const struct op_connect_socket *op) {
  struct sockaddr_un address;
  AUTO_CLOSE int place = open_address(context, op->path, &address);
  if (place < 0) return -1;
  AUTO_CLOSE int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return fail(context, "socket", op->path);
  if (connect(socket_fd, (const struct sockaddr *)&address, sizeof address) < 0) return fail(context, "connect", op->path);
  return slot_store(context, op->socket, steal_fd(&socket_fd));
}

/* sun_path has 108 bytes, a path more: by way of a descriptor any path fits. We are still on the host, its /proc is ours. */
static int open_address(struct context *context, const char *path, struct sockaddr_un *address) {
  AUTO_CLOSE int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) return fail(context, "open", path);
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) < sizeof address->sun_path) strcpy(address->sun_path, path);
  else snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d", place);
  return steal_fd(&place);
}

int op_open_socket_pair(struct context *context, const struct op_open_socket_pair *op) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail(context, "socketpair", "");
  AUTO_CLOSE int far = ends[1];
  return slot_store(context, op->near, ends[0]) < 0 ? -1 : slot_store(context, op->far, steal_fd(&far));
}

int op_send_descriptor(struct context *context, const struct op_send_descriptor *op) {
  int socket_fd = slot_fd(context, op->socket), descriptor = slot_fd(context, op->descriptor);
  if (socket_fd < 0 || descriptor < 0) return -1;
  const struct parcel parcel = {.data = op->name, .length = strlen(op->name), .descriptor = descriptor};
  ssize_t sent;
  do sent = send_parcel(socket_fd, &parcel, 0);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)parcel.length ? 0 : fail(context, "sendmsg", op->name);
}

ssize_t send_parcel(int socket_fd, const struct parcel *parcel, int flags) {
  union one_descriptor control = {0};
  struct iovec data = {.iov_base = (void *)(uintptr_t)parcel->data, .iov_len = parcel->length};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (parcel->descriptor >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof parcel->descriptor);
    memcpy(CMSG_DATA(header), &parcel->descriptor, sizeof parcel->descriptor);
  }
  return sendmsg(socket_fd, &message, flags | MSG_NOSIGNAL);
}

/* What init has sent before it became the container's process is here already: nothing to wait for. */
int op_receive_descriptor(struct context *context, const struct op_receive_descriptor *op) {
  int socket_fd = slot_fd(context, op->socket);
  if (socket_fd < 0) return -1;
  char name[PATH_MAX];
  union one_descriptor control = {0};
  struct iovec data = {.iov_base = name, .iov_len = sizeof name};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) return fail(context, "recvmsg", "");
  const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
    return fail_with(context, EPROTO, "recvmsg", "");
  int descriptor;
  memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return slot_store(context, op->descriptor, descriptor);
}

/* Of our own child, which is not reaped: the pid is its own. */
int op_open_init(struct context *context, const struct op_open_init *op) {
  AUTO_CLOSE int init = (int)syscall(SYS_pidfd_open, context->init, 0u);
  return init < 0 ? fail(context, "pidfd_open", "") : slot_store(context, op->process, steal_fd(&init));
}

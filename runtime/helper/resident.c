/*
 * What could make its answer another than that of a supervisor of our own, and is looked at here:
 *   another user's, or the user's with other groups      SO_PEERCRED, SO_PEERGROUPS, before anything is sent
 *   another root directory, other namespaces             /proc/<pid>, while it is at work; a caller with fewer rights may not look, and so does not use it
 *   another build                                        the greeting names the file that we would start; the op table's digest is in each frame
 *   another process than the one that listens            SO_PASSCRED: the kernel says who has written the answer, and that one is looked at.
 *                                                        (systemd listens to its sockets itself; a user's has CAP_WAKE_ALARM, so that the
 *                                                        user may not look at it, but at what it starts)
 *   none, or none in time                                SO_RCVTIMEO
 */
#include "resident.h"

#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "mount-api.h"
#include "rules.h"

#define MAX_GROUPS 1024

static bool find_socket(const struct request *request, struct sockaddr_un *address);
static int connect_to(const struct sockaddr_un *address);
static pid_t peer_of(int channel, const struct request *request);
static bool may_open_anything(uid_t uid);
static bool has_our_groups(int channel);
static bool greet(int channel, const struct supervisor *supervisor, const struct encoded *encoded);
static size_t encode_greeting(const struct supervisor *supervisor, uint8_t *frame, size_t size);
static bool sees_what_we_see(pid_t pid);
static bool same_root(pid_t pid);
static bool same_namespaces(pid_t pid);
static pid_t sender(struct msghdr *message, uid_t uid);

bool ask_resident(struct supervisor *supervisor, const struct request *request, const struct encoded *encoded) {
  struct sockaddr_un address;
  if (!find_socket(request, &address)) return false;
  AUTO_CLOSE int channel = connect_to(&address);
  if (channel < 0) return false;
  pid_t peer = peer_of(channel, request);
  if (peer <= 0 || !greet(channel, supervisor, encoded)) return false;
  supervisor->resident = true;
  supervisor->like_us = sees_what_we_see(peer) ? peer : 0; /* while it is at work */
  supervisor->channel = steal_fd(&channel);
  return true;
}

bool receive_header(const struct supervisor *supervisor, struct frame_header *header) {
  union {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct iovec part = {.iov_base = header, .iov_len = sizeof *header};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(supervisor->channel, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  if (length <= 0) return false;
  pid_t writer = sender(&message, geteuid());
  if (writer <= 0 || (writer != supervisor->like_us && !sees_what_we_see(writer))) return false;
  size_t got = (size_t)length;
  return got == sizeof *header || read_all(supervisor->channel, (char *)header + got, sizeof *header - got) > 0;
}

void leave_resident(struct supervisor *supervisor) {
  close_descriptor(&supervisor->channel);
  supervisor->channel = -1;
  supervisor->resident = false;
}

/*
 * KRUN_SUPERVISOR: a socket, or "off". Otherwise where `krun supervisor` has it for this user. Whom systemd has handed sockets to may be
 * about to become the supervisor itself, and would wait for its own answer.
 */
static bool find_socket(const struct request *request, struct sockaddr_un *address) {
  const char *socket = NULL, *runtime = NULL, *listener = "0";
  for (char **variable = request->environment; *variable != NULL; variable++) {
    if (strncmp(*variable, "KRUN_SUPERVISOR=", 16) == 0) socket = *variable + 16;
    if (strncmp(*variable, "XDG_RUNTIME_DIR=", 16) == 0) runtime = *variable + 16;
    if (strncmp(*variable, "LISTEN_PID=", 11) == 0) listener = *variable + 11;
  }
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if ((uint32_t)strtoul(listener, NULL, 10) == request->pid) return false;
  if (request->uid == 0) runtime = "/run";
  if (socket == NULL && (runtime == NULL || *runtime != '/')) return false;
  int length = socket != NULL ? snprintf(address->sun_path, sizeof address->sun_path, "%s", socket)
                              : snprintf(address->sun_path, sizeof address->sun_path, "%s/krun/.supervisor/socket", runtime);
  return address->sun_path[0] == '/' && length < (int)sizeof address->sun_path;
}

static int connect_to(const struct sockaddr_un *address) {
  AUTO_CLOSE int channel = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct timeval sending = {.tv_usec = 500000}, receiving = {.tv_sec = 2};
  const int on = 1;
  if (channel < 0 || setsockopt(channel, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending) < 0) return -1;
  if (connect(channel, (const struct sockaddr *)address, sizeof *address) < 0) return -1;
  if (setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &receiving, sizeof receiving) < 0) return -1;
  if (setsockopt(channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) return -1;
  return steal_fd(&channel);
}

/* The listener's pid, if it is the same user's: the arguments and the environment are no one else's business. */
static pid_t peer_of(int channel, const struct request *request) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return 0;
  if (RULE(PEER_USER) && (peer.uid != request->uid || peer.gid != request->gid)) return 0;
  return !RULE(PEER_GROUPS) || may_open_anything(request->uid) || has_our_groups(channel) ? peer.pid : 0;
}

/*
 * Root's groups do not matter, and a service of systemd's has none, as long as root has the right that makes them so. (A supervisor with
 * more capabilities than we have does not get this far: its /proc/<pid>/ns is closed to us, ptrace(2).)
 */
static bool may_open_anything(uid_t uid) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
  return uid == 0 && syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_DAC_OVERRIDE) != 0;
}

/*
 * The very same: with more it could read for us what we may not, and with fewer too, where a file is closed to one group and open to all
 * others (mode 0604). The kernel keeps them sorted: setgroups(2) in whatever order.
 */
static bool has_our_groups(int channel) {
  gid_t theirs[MAX_GROUPS], ours[MAX_GROUPS];
  socklen_t size = sizeof theirs;
  int count = getgroups(MAX_GROUPS, ours);
  if (count < 0 || getsockopt(channel, SOL_SOCKET, SO_PEERGROUPS, theirs, &size) < 0) return false;
  return size == (size_t)count * sizeof *ours && memcmp(theirs, ours, size) == 0;
}

/* All in one message: one wake-up at the other side. */
static bool greet(int channel, const struct supervisor *supervisor, const struct encoded *encoded) {
  uint8_t greeting[256];
  size_t length = encode_greeting(supervisor, greeting, sizeof greeting);
  struct iovec parts[] = {{.iov_base = greeting, .iov_len = length}, {.iov_base = encoded->data, .iov_len = encoded->length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  if (length == 0) return false;
  ssize_t sent = sendmsg(channel, &message, MSG_NOSIGNAL);
  if (sent < (ssize_t)length) return false;
  for (size_t at = (size_t)sent - length; at < encoded->length; at += (size_t)sent) {
    sent = send(channel, encoded->data + at, encoded->length - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
  }
  return true;
}

/* What tells two installations apart, and one before an upgrade from the same after it: see runtime/supervisor/build-identity.ts. */
static size_t encode_greeting(const struct supervisor *supervisor, uint8_t *frame, size_t size) {
  char script[PATH_MAX + 32], *text = (char *)frame + sizeof(struct frame_header) + 4;
  struct stat file;
  snprintf(script, sizeof script, "%s/dist/resident.js", supervisor->prefix);
  if (stat(script, &file) < 0) return 0;
  size_t room = size - sizeof(struct frame_header) - 8;
  int length = snprintf(text, room, "%llu:%llu:%llu:%llu.%09lu:%llu.%09lu", (unsigned long long)file.st_dev, (unsigned long long)file.st_ino,
                        (unsigned long long)file.st_size, (unsigned long long)file.st_mtim.tv_sec, file.st_mtim.tv_nsec,
                        (unsigned long long)file.st_ctim.tv_sec, file.st_ctim.tv_nsec);
  if (length < 0 || (size_t)length >= room) return 0;
  uint32_t counted = (uint32_t)length, padded = (counted + 4) & ~3u;
  memset(text + length, 0, padded - counted);
  memcpy(text - 4, &counted, 4);
  struct frame_header header = {.magic = FRAME_MAGIC, .version = PROTOCOL_VERSION, .type = FRAME_GREETING, .length = 4 + padded, .digest = OP_TABLE_DIGEST};
  memcpy(frame, &header, sizeof header);
  return sizeof header + header.length;
}

static bool sees_what_we_see(pid_t pid) {
  return !RULE(PEER_VIEW) || (same_root(pid) && same_namespaces(pid));
}

static bool same_root(pid_t pid) {
  char path[64];
  struct place theirs, ours;
  snprintf(path, sizeof path, "/proc/%d/root", pid);
  AUTO_CLOSE int other = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  AUTO_CLOSE int own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (other < 0 || own < 0 || find_place(other, &theirs) < 0 || find_place(own, &ours) < 0) return false;
  return theirs.mount == ours.mount && theirs.inode == ours.inode;
}

/* A kernel without one of these has it for no process. */
static bool same_namespaces(pid_t pid) {
  static const char *const names[] = {"mnt", "pid", "user", "cgroup", "time", "net"};
  char path[64], theirs[64], ours[64];
  snprintf(path, sizeof path, "/proc/%d/ns", pid);
  AUTO_CLOSE int other = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  AUTO_CLOSE int own = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (other < 0 || own < 0) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    ssize_t length = readlinkat(own, names[i], ours, sizeof ours);
    if (length < 0 && errno == ENOENT) continue;
    if (length <= 0 || readlinkat(other, names[i], theirs, sizeof theirs) != length || memcmp(ours, theirs, (size_t)length) != 0) return false;
  }
  return true;
}

/* 0 when the kernel has not said it, or it is another user's. */
static pid_t sender(struct msghdr *message, uid_t uid) {
  struct cmsghdr *head = CMSG_FIRSTHDR(message);
  if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS) return 0;
  struct ucred writer;
  memcpy(&writer, CMSG_DATA(head), sizeof writer);
  return RULE(PEER_USER) && writer.uid != uid ? 0 : writer.pid;
}

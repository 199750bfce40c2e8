/*
 * A network device of the host goes to the network namespace of init, with another name and its permanent global addresses
 * (config-linux.md#network-devices): the kernel drops them on the way.
 */
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "netlink.h"

#define MAX_ADDRESSES 64

struct address {
  struct ifaddrmsg fixed;
  uint32_t flags;
  struct {
    uint16_t type, length;
    char data[16];
  } parts[3];
  uint32_t part_count;
};

struct addresses {
  int interface;
  struct address items[MAX_ADDRESSES];
  uint32_t count;
};

static int open_netlink(struct context *context);
static int open_netlink_of_init(struct context *context);
static int find_interface(int socket, const char *name);
static int choose_name(struct context *context, int socket, const char *wanted, char *name);
static int save_address(void *heard, const struct nlmsghdr *message);
static int save_addresses(struct context *context, int socket, const char *name, struct addresses *addresses);
static int move_interface(struct context *context, int socket, int interface, const char *from, const char *to);
static int restore_address(int socket, int interface, const struct address *address);
static int set_up(int socket, const char *name);

int op_move_net_device(struct context *context, const struct op_move_net_device *op) {
  struct addresses addresses = {0};
  char name[IFNAMSIZ];
  AUTO_CLOSE int host = open_netlink(context);
  if (host < 0) return -1;
  addresses.interface = find_interface(host, op->name);
  if (addresses.interface < 0) return fail_detail(context, errno, "ioctl", "", "device=%s", op->name);
  AUTO_CLOSE int container = open_netlink_of_init(context);
  if (container < 0 || choose_name(context, container, op->to, name) < 0) return -1;
  if (save_addresses(context, host, op->name, &addresses) < 0) return -1;
  if (move_interface(context, host, addresses.interface, op->name, name) < 0) return -1;
  int interface = find_interface(container, name);
  if (interface < 0) return fail_detail(context, errno, "ioctl", "", "device=%s", name);
  for (uint32_t i = 0; i < addresses.count; i++)
    if (restore_address(container, interface, &addresses.items[i]) < 0) return fail_detail(context, errno, "newaddr", "", "device=%s", name);
  return set_up(container, name) < 0 ? fail_detail(context, errno, "ioctl", "", "device=%s", name) : 0;
}

static int open_netlink(struct context *context) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return fd < 0 ? fail(context, "socket", "") : fd;
}

/* A socket stays in the namespace that it was made in; we do not. */
static int open_netlink_of_init(struct context *context) {
  AUTO_CLOSE int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) return fail(context, "open", "/proc/self/ns/net");
  AUTO_CLOSE int init = (int)syscall(SYS_pidfd_open, context->init, 0);
  if (init < 0) return fail(context, "pidfd_open", "");
  if (setns(init, CLONE_NEWNET) < 0) return fail(context, "setns", "");
  AUTO_CLOSE int fd = open_netlink(context);
  if (setns(own, CLONE_NEWNET) < 0) return fail(context, "setns", "/proc/self/ns/net");
  return steal_fd(&fd);
}

static int find_interface(int socket, const char *name) {
  struct ifreq request = {0};
  if (strlen(name) >= sizeof request.ifr_name) return errno = ENODEV, -1;
  strcpy(request.ifr_name, name);
  return ioctl(socket, SIOCGIFINDEX, &request) < 0 ? -1 : request.ifr_ifindex;
}

/* A name that is taken is refused before the move: afterwards a virtual device would go down with the container. "%d" is the next free number. */
static int choose_name(struct context *context, int socket, const char *wanted, char *name) {
  const char *template = strstr(wanted, "%d");
  int prefix = template == NULL ? (int)strlen(wanted) : (int)(template - wanted), number = 0, length;
  do {
    length = template == NULL ? snprintf(name, IFNAMSIZ, "%s", wanted) : snprintf(name, IFNAMSIZ, "%.*s%d%s", prefix, wanted, number, template + 2);
    if (length >= IFNAMSIZ || strchr(name, '%') != NULL) return fail_detail(context, EINVAL, "setlink", "", "device=%s", wanted);
    if (find_interface(socket, name) < 0) return errno == ENODEV ? 0 : fail_detail(context, errno, "ioctl", "", "device=%s", name);
  } while (template != NULL && ++number > 0);
  return fail_detail(context, EEXIST, "setlink", "", "device=%s", name);
}

static int save_addresses(struct context *context, int socket, const char *name, struct addresses *addresses) {
  struct netlink_request request;
  const struct ifaddrmsg all = {.ifa_family = AF_UNSPEC};
  netlink_begin(&request, RTM_GETADDR, NLM_F_DUMP, &all, sizeof all);
  if (netlink_dump(socket, &request, save_address, addresses) == 0) return 0;
  return fail_detail(context, errno, "getaddr", "", "device=%s", name);
}

/* Labels are names of the old device; lifetimes a permanent address has none. */
static int save_address(void *heard, const struct nlmsghdr *message) {
  struct addresses *addresses = heard;
  const struct ifaddrmsg *fixed = NLMSG_DATA(message);
  if (message->nlmsg_type != RTM_NEWADDR || (int)fixed->ifa_index != addresses->interface || fixed->ifa_scope != RT_SCOPE_UNIVERSE) return 0;
  struct address address = {.fixed = *fixed, .flags = fixed->ifa_flags};
  unsigned rest = (unsigned)IFA_PAYLOAD(message);
  for (const struct rtattr *part = IFA_RTA(fixed); RTA_OK(part, rest); part = RTA_NEXT(part, rest)) {
    size_t length = RTA_PAYLOAD(part);
    if (part->rta_type == IFA_FLAGS && length == sizeof address.flags) memcpy(&address.flags, RTA_DATA(part), length);
    if (part->rta_type != IFA_LOCAL && part->rta_type != IFA_ADDRESS && part->rta_type != IFA_BROADCAST) continue;
    if (length > sizeof address.parts->data || address.part_count == 3) return errno = EPROTO, -1;
    address.parts[address.part_count].type = part->rta_type;
    address.parts[address.part_count].length = (uint16_t)length;
    memcpy(address.parts[address.part_count++].data, RTA_DATA(part), length);
  }
  if ((address.flags & IFA_F_PERMANENT) == 0) return 0;
  if (addresses->count == MAX_ADDRESSES) return errno = E2BIG, -1;
  addresses->items[addresses->count++] = address;
  return 0;
}

static int move_interface(struct context *context, int socket, int interface, const char *from, const char *to) {
  struct netlink_request request;
  const struct ifinfomsg fixed = {.ifi_family = AF_UNSPEC, .ifi_index = interface};
  const uint32_t init = (uint32_t)context->init;
  netlink_begin(&request, RTM_SETLINK, 0, &fixed, sizeof fixed);
  netlink_add(&request, IFLA_NET_NS_PID, &init, sizeof init);
  netlink_add(&request, IFLA_IFNAME, to, strlen(to) + 1);
  if (netlink_carry_out(socket, &request) == 0) return 0;
  return fail_detail(context, errno, "setlink", "", "device=%s", from);
}

static int restore_address(int socket, int interface, const struct address *address) {
  struct netlink_request request;
  struct ifaddrmsg fixed = address->fixed;
  fixed.ifa_index = (uint32_t)interface;
  netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
  for (uint32_t i = 0; i < address->part_count; i++)
    netlink_add(&request, address->parts[i].type, address->parts[i].data, address->parts[i].length);
  netlink_add(&request, IFA_FLAGS, &address->flags, sizeof address->flags);
  return netlink_carry_out(socket, &request);
}

static int set_up(int socket, const char *name) {
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(socket, SIOCGIFFLAGS, &request) < 0) return -1;
  request.ifr_flags |= IFF_UP;
  return ioctl(socket, SIOCSIFFLAGS, &request);
}

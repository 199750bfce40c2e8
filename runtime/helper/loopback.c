#include "krun.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel gives lo 127.0.0.1 and ::1 when it comes up. */
int op_bring_loopback_up(struct context *context, const struct op_bring_loopback_up *op) {
  (void)op;
  AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(context, "socket", "");
  struct ifreq interface = {.ifr_name = "lo"};
  if (ioctl(fd, SIOCGIFFLAGS, &interface) < 0) return fail_detail(context, errno, "ioctl", "lo", "request=SIOCGIFFLAGS");
  interface.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &interface) < 0) return fail_detail(context, errno, "ioctl", "lo", "request=SIOCSIFFLAGS");
  return 0;
}

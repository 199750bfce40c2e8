/* From the finished root to the process: names, loopback, limits, user, capabilities, execve. */
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.h"

static void bring_loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  check(fd, "socket");
  check(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
  close(fd);
}

/* CAP_AUDIT_WRITE, CAP_KILL, CAP_NET_BIND_SERVICE, as in `runc spec`. */
static void limit_capabilities(void) {
  const unsigned kept = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept}};
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
    if (capability >= 32 || !(kept >> capability & 1)) check(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "bounding set");
  check(setgroups(0, NULL), "setgroups");
  check(setresgid(0, 0, 0), "setresgid");
  check(setresuid(0, 0, 0), "setresuid");
  check(syscall(SYS_capset, &header, data), "capset");
  check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "ambient set");
}

_Noreturn void become_process(void) {
  char *const arguments[] = {"true", NULL};
  char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "HOME=/root", NULL};
  const struct rlimit files = {1024, 1024};
  check(sethostname("floor", 5), "sethostname");
  bring_loopback_up();
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_ses.floor"); /* a quota may refuse it */
  check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  limit_capabilities();
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  check(syscall(SYS_close_range, 3u, ~0u, 0u), "close_range");
  execve("/bin/true", arguments, environment);
  _exit(127);
}

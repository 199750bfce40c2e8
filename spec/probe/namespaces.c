/* The container's outside as the process sees it: namespaces, maps, names, cgroup, clocks, network interfaces. */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

static const char *const types[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

static void report_links(void) {
  char path[64], target[64];
  json_open("namespaces", '{');
  for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
    snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
    ssize_t length = readlink(path, target, sizeof target);
    if (length > 0) json_bytes(types[i], target, (size_t)length);
  }
  json_close('}');
}

/* The user namespace that owns each; left out when it is none that we may know: ioctl_ns(2). */
static void report_owners(void) {
  char path[64], owner[64];
  struct stat file;
  json_open("namespaceOwners", '{');
  for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
    snprintf(path, sizeof path, "/proc/self/ns/%s", types[i]);
    int fd = open(path, O_RDONLY | O_CLOEXEC), user = fd < 0 ? -1 : ioctl(fd, NS_GET_USERNS);
    if (user >= 0 && fstat(user, &file) == 0) {
      snprintf(owner, sizeof owner, "user:[%llu]", (unsigned long long)file.st_ino);
      json_string(types[i], owner);
    }
    if (user >= 0) close(user);
    if (fd >= 0) close(fd);
  }
  json_close('}');
}

static void report_file(const char *key, const char *path) {
  char text[8192];
  size_t length = 0;
  ssize_t count = -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return json_null(key);
  while (length < sizeof text && (count = read(fd, text + length, sizeof text - length)) > 0) length += (size_t)count;
  close(fd);
  json_bytes(key, text, length);
}

static void report_clock(const char *key, clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) == 0) json_number(key, now.tv_sec);
}

static void report_interfaces(void) {
  json_open("interfaces", '{');
  struct if_nameindex *all = if_nameindex();
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (struct if_nameindex *one = all; one && one->if_index; one++) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", one->if_name);
    bool is_known = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    json_open(one->if_name, '{');
    json_bool("up", is_known && (request.ifr_flags & IFF_UP));
    json_bool("running", is_known && (request.ifr_flags & IFF_RUNNING));
    json_close('}');
  }
  if (fd >= 0) close(fd);
  if (all) if_freenameindex(all);
  json_close('}');
}

void report_namespaces(void) {
  struct utsname names;
  if (uname(&names) == 0) {
    json_string("hostname", names.nodename);
    json_string("domainname", names.domainname);
    json_string("machine", names.machine);
  }
  report_links();
  report_owners();
  report_file("uidMap", "/proc/self/uid_map");
  report_file("gidMap", "/proc/self/gid_map");
  report_file("setgroups", "/proc/self/setgroups");
  report_file("cgroup", "/proc/self/cgroup");
  report_file("timeOffsets", "/proc/self/timens_offsets");
  json_open("clocks", '{');
  report_clock("monotonic", CLOCK_MONOTONIC);
  report_clock("boottime", CLOCK_BOOTTIME);
  json_close('}');
  report_interfaces();
}

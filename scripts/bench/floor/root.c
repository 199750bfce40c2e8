/* Mounts, devices, masks, pivot_root: the default bundle's, in its order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "floor.h"

enum { PLAIN = MS_NOSUID | MS_NOEXEC | MS_NODEV };

static void make_mounts(void) {
  check(mount("proc", "proc", "proc", 0, NULL), "proc");
  check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "dev");
  check(mkdir("dev/pts", 0755), "dev/pts");
  check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"), "devpts");
  check(mkdir("dev/shm", 0755), "dev/shm");
  check(mount("shm", "dev/shm", "tmpfs", PLAIN, "mode=1777,size=65536k"), "shm");
  check(mkdir("dev/mqueue", 0755), "dev/mqueue");
  check(mount("mqueue", "dev/mqueue", "mqueue", PLAIN, NULL), "mqueue");
  check(mount("sysfs", "sys", "sysfs", PLAIN | MS_RDONLY, NULL), "sysfs");
  check(mount("cgroup", "sys/fs/cgroup", "cgroup2", PLAIN | MS_RELATIME, NULL), "cgroup2");
  check(mount(NULL, "sys/fs/cgroup", NULL, MS_BIND | MS_REMOUNT | PLAIN | MS_RELATIME | MS_RDONLY, NULL), "cgroup2 read-only");
}

static void make_devices(void) {
  static const struct {
    const char *path;
    unsigned major, minor;
  } nodes[] = {{"dev/null", 1, 3}, {"dev/random", 1, 8}, {"dev/full", 1, 7}, {"dev/tty", 5, 0}, {"dev/zero", 1, 5}, {"dev/urandom", 1, 9}};
  static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},     {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
                                         {"/proc/self/fd/2", "dev/stderr"}, {"/proc/kcore", "dev/core"},      {"pts/ptmx", "dev/ptmx"}};
  mode_t mask = umask(0);
  for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++)
    check(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].path);
  for (unsigned i = 0; i < sizeof links / sizeof *links; i++) check(symlink(links[i][0], links[i][1]), links[i][1]);
  umask(mask);
}

/* A path that this kernel lacks is left out, as the runtime-spec has it. */
static void cover_paths(void) {
  static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  static const char *const masked[] = {"proc/acpi",       "proc/asound",      "proc/kcore", "proc/keys",    "proc/latency_stats", "proc/timer_list",
                                       "proc/timer_stats", "proc/sched_debug", "proc/scsi",  "sys/firmware"};
  for (unsigned i = 0; i < sizeof readonly / sizeof *readonly; i++)
    if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) == 0)
      check(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | PLAIN, NULL), readonly[i]);
  for (unsigned i = 0; i < sizeof masked / sizeof *masked; i++)
    if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) != 0 && errno == ENOTDIR)
      check(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL), masked[i]);
}

void build_root(const char *root) {
  check(setsid(), "setsid");
  check(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "slave");
  check(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "root");
  check(chdir(root), "chdir");
  make_mounts();
  make_devices();
  cover_paths();
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "umount of the old root");
  check(chdir("/"), "chdir to the new root");
  check(mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), "read-only root");
}

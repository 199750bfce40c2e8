/*
 * The yardstick: what the kernel itself costs for a container as `runc spec` describes it. New namespaces, a cgroup with a device
 * program, the mounts, devices and links, masked and read-only paths, pivot_root, loopback, limits, user, capabilities, execve,
 * wait, clear up: nothing else; no configuration is read and nothing is checked that need not be.
 * usage: floor ROOTFS CGROUP2   (ROOTFS holds /bin/true and the directories proc, sys, dev; CGROUP2 is a mount point)
 */
#include "floor.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void check(long result, const char *what) {
  if (result >= 0) return;
  perror(what);
  _exit(99);
}

static int make_cgroup(const char *mountpoint, char *path, size_t size) {
  snprintf(path, size, "%s/floor-%d", mountpoint, getpid());
  check(mkdir(path, 0755), "mkdir of the cgroup");
  int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(cgroup, "open of the cgroup");
  return cgroup;
}

static pid_t clone_into(int cgroup) {
  struct clone_args arguments = {
      .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_INTO_CGROUP,
      .exit_signal = SIGCHLD,
      .cgroup = (unsigned)cgroup,
  };
  pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  check(child, "clone3");
  return child;
}

/* The kernel lets go of a cgroup a moment after its last process has been waited for. */
static void remove_cgroup(const char *path) {
  for (int i = 0; i < 1000 && rmdir(path) != 0; i++) usleep(50);
}

int main(int argc, char **argv) {
  char path[4096];
  int status = 0;
  if (argc != 3) return 2;
  int cgroup = make_cgroup(argv[2], path, sizeof path);
  attach_device_program(cgroup);
  pid_t child = clone_into(cgroup);
  if (child == 0) {
    build_root(argv[1]);
    become_process();
  }
  waitpid(child, &status, 0);
  remove_cgroup(path);
  return WEXITSTATUS(status);
}

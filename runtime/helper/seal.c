/*
 * A process of the container can open /proc/<pid>/exe of a process that joins it, and later write to the file behind it.
 * So what joins runs from a read-only mount of the binary that is attached nowhere, or, where mounting is not allowed,
 * from a sealed memory file. The supervisor is at work meanwhile: this costs the start next to nothing.
 */
#include "seal.h"

#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "timing.h"

#define VARIABLE "KRUN_SEALED="

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static int read_only_mount(void);
static int sealed_memory(void);

bool unseal(struct supervisor *supervisor) {
  const char *value = getenv("KRUN_SEALED");
  if (value == NULL) return false;
  int resident = 0;
  *supervisor = (struct supervisor){.channel = -1, .complaints = -1};
  if (sscanf(value, "%d:%d:%d:%d:%d:%" SCNu64 ":%" SCNu64 ":%4095[^\n]", &supervisor->channel, &supervisor->pid, &resident,
             &supervisor->like_us, &supervisor->complaints, &supervisor->times.begun, &supervisor->times.asked, supervisor->prefix) != 8)
    die("the environment holds a wrong", "KRUN_SEALED", EINVAL);
  supervisor->resident = resident != 0;
  unsetenv("KRUN_SEALED");
  supervisor->times.resumed = now_nanoseconds();
  prctl(PR_SET_NAME, "krun");
  fcntl(supervisor->channel, F_SETFD, FD_CLOEXEC);
  if (supervisor->complaints >= 0) fcntl(supervisor->complaints, F_SETFD, FD_CLOEXEC);
  return true;
}

void seal(const struct supervisor *supervisor, char **argv, char **environment) {
  char variable[sizeof supervisor->prefix + 128];
  snprintf(variable, sizeof variable, VARIABLE "%d:%d:%d:%d:%d:%" PRIu64 ":%" PRIu64 ":%s", supervisor->channel, supervisor->pid,
           supervisor->resident, supervisor->like_us, supervisor->complaints, supervisor->times.begun, supervisor->times.asked, supervisor->prefix);
  size_t count = 0;
  while (environment[count] != NULL) count++;
  char **sealed = calloc(count + 2, sizeof *sealed);
  if (sealed == NULL) die("malloc", "", ENOMEM);
  memcpy(sealed, environment, count * sizeof *sealed);
  sealed[count] = variable;

  int binary = read_only_mount();
  if (binary < 0) binary = sealed_memory();
  if (binary < 0) die("cannot make a copy of the helper that nobody can write", "", errno);
  fcntl(supervisor->channel, F_SETFD, 0);
  if (supervisor->complaints >= 0) fcntl(supervisor->complaints, F_SETFD, 0);
  syscall(SYS_execveat, binary, "", argv, sealed, AT_EMPTY_PATH);
  die("cannot execute the sealed copy of the helper", "", errno);
}

static int read_only_mount(void) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0) return -1;
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) return tree;
  close(tree);
  return -1;
}

static int sealed_memory(void) {
  AUTO_CLOSE int source = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  AUTO_CLOSE int copy = memfd_create("krun", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  struct stat status;
  if (source < 0 || copy < 0 || fstat(source, &status) < 0) return -1;
  for (off_t offset = 0; offset < status.st_size;)
    if (sendfile(copy, source, &offset, (size_t)(status.st_size - offset)) <= 0) return -1;
  if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) return -1;
  return steal_fd(&copy);
}

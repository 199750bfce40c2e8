/*
 * The container's terminal: a pty of its own devpts, so that it has a name in there. Everything that leads to it lies in the
 * rootfs, which is hostile: nothing is opened before it is known to be in a devpts, and the peer never by its name
 * (SECURITY.md A4, CVE-2025-52565).
 */
#include "krun.h"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "attach.h"
#include "mount-api.h"
#include "mount-attributes.h"
#include "rules.h"
#include "terminal.h"

#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

enum { PEER_MAJOR_FIRST = 136, PEER_MAJOR_LAST = 143 }; /* Documentation/admin-guide/devices.txt: Unix98 PTY slaves */

static int open_devpts(struct context *context, uint32_t root);
static int check_filesystem(struct context *context, int fd, const char *path);
static int open_peer(struct context *context, int terminal);
static int check_device(struct context *context, int fd, unsigned first, unsigned last);
static int set_size(struct context *context, const struct op_open_terminal *op, int terminal);
static int leave_output(struct context *context, int terminal);

int op_open_terminal(struct context *context, const struct op_open_terminal *op) {
  AUTO_CLOSE int devpts = open_devpts(context, op->root);
  if (devpts < 0) return -1;
  /* Only the kernel makes names in a devpts: what is checked here stays. */
  AUTO_CLOSE int found = openat(devpts, "ptmx", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (found < 0) return fail(context, "openat", PTMX);
  if (check_device(context, found, 5, 5) < 0) return -1;
  AUTO_CLOSE int terminal = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
  if (terminal < 0) return fail(context, "openat", PTMX);

  int locked = 0;
  if (ioctl(terminal, TIOCSPTLCK, &locked) < 0) return fail(context, "TIOCSPTLCK", PTMX);
  AUTO_CLOSE int peer = open_peer(context, terminal);
  if (peer < 0 || set_size(context, op, terminal) < 0) return -1;
  if (op->relayed && leave_output(context, terminal) < 0) return -1;
  return slot_store(context, op->terminal, steal_fd(&terminal)) < 0 ? -1 : slot_store(context, op->peer, steal_fd(&peer));
}

/* Over whatever stands there (a file of ours, if nothing does), but not where a symlink leads. */
int op_bind_console(struct context *context, const struct op_bind_console *op) {
  int root = slot_fd(context, op->root), peer = slot_fd(context, op->peer);
  if (root < 0 || peer < 0) return -1;
  AUTO_CLOSE int tree = sys_open_tree(peer, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (tree < 0) return fail(context, "open_tree", CONSOLE);
  if (RULE(PRIVATE_CLONES) && set_propagation(context, tree, CONSOLE, MS_PRIVATE, false) < 0) return -1;
  struct destination destination = {.root = root, .path = CONSOLE, .links = RULE(CONSOLE_EXACT) ? EXACT : IN_ROOT};
  bool made;
  AUTO_CLOSE int place = open_destination(context, &destination, S_IFCHR, &made);
  return place < 0 ? -1 : attach(context, &destination, place, tree);
}

int op_use_terminal(struct context *context, const struct op_use_terminal *op) {
  int peer = slot_fd(context, op->peer);
  if (peer < 0) return -1;
  for (int fd = 0; fd <= 2; fd++)
    if (dup2(peer, fd) < 0) return fail(context, "dup2", "");
  return 0;
}

/* The session is new: TIOCSTI and its kind reach nobody else's terminal (CVE-2017-5226). */
int op_set_controlling_terminal(struct context *context, const struct op_set_controlling_terminal *op) {
  (void)op;
  return ioctl(0, TIOCSCTTY, 0) < 0 ? fail(context, "TIOCSCTTY", "") : 0;
}

bool callers_size(struct winsize *size) {
  for (int fd = 0; fd <= 2; fd++)
    if (ioctl(fd, TIOCGWINSZ, size) == 0) return true;
  return false;
}

static int open_devpts(struct context *context, uint32_t root) {
  AUTO_CLOSE int own = root == NO_SLOT ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  int base = root == NO_SLOT ? own : slot_fd(context, root);
  if (base < 0) return root == NO_SLOT ? fail(context, "open", "/") : -1;
  AUTO_CLOSE int devpts = open_in_root(base, DEVPTS, EXACT, O_PATH | O_DIRECTORY);
  if (devpts < 0) return fail(context, "openat2", DEVPTS);
  if (check_filesystem(context, devpts, DEVPTS) < 0) return -1;
  return steal_fd(&devpts);
}

static int check_filesystem(struct context *context, int fd, const char *path) {
  struct statfs filesystem;
  if (fstatfs(fd, &filesystem) < 0) return fail(context, "fstatfs", path);
  if (filesystem.f_type == DEVPTS_SUPER_MAGIC || !RULE(DEVPTS)) return 0;
  return fail_detail(context, EXDEV, "fstatfs", path, "filesystem=0x%lx", (unsigned long)filesystem.f_type);
}

/* TIOCGPTPEER(2const): the peer of this very terminal, whatever its name leads to by now. */
static int open_peer(struct context *context, int terminal) {
  AUTO_CLOSE int peer = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (peer < 0) return fail(context, "TIOCGPTPEER", PTMX);
  if (check_filesystem(context, peer, PTMX) < 0 || check_device(context, peer, PEER_MAJOR_FIRST, PEER_MAJOR_LAST) < 0) return -1;
  return steal_fd(&peer);
}

static int check_device(struct context *context, int fd, unsigned first, unsigned last) {
  struct stat found;
  if (fstat(fd, &found) < 0) return fail(context, "fstat", PTMX);
  unsigned number = major(found.st_rdev);
  if ((S_ISCHR(found.st_mode) && number >= first && number <= last) || !RULE(DEVPTS)) return 0;
  return fail_detail(context, ENODEV, "fstat", PTMX, "mode=0%o major=%u minor=%u", found.st_mode, number, minor(found.st_rdev));
}

/* Before the first program runs, so that none paints for another size. */
static int set_size(struct context *context, const struct op_open_terminal *op, int terminal) {
  struct winsize size = {.ws_row = (unsigned short)op->height, .ws_col = (unsigned short)op->width}, callers;
  if (op->relayed && callers_size(&callers)) size = callers;
  if (size.ws_row == 0 && size.ws_col == 0) return 0;
  return ioctl(terminal, TIOCSWINSZ, &size) < 0 ? fail(context, "TIOCSWINSZ", PTMX) : 0;
}

/* The caller's own terminal makes CR LF of a line's end; elsewhere none is wanted. */
static int leave_output(struct context *context, int terminal) {
  struct termios mode;
  if (tcgetattr(terminal, &mode) < 0) return fail(context, "tcgetattr", PTMX);
  mode.c_oflag &= ~(tcflag_t)ONLCR;
  return tcsetattr(terminal, TCSANOW, &mode) < 0 ? fail(context, "tcsetattr", PTMX) : 0;
}

/* Open descriptors, found by fcntl and not by /proc: what leaked in shows even where /proc is hidden. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

enum { HIGHEST = 4096 };

static void report_link(const char *key, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof target);
  if (length < 0)
    json_null(key);
  else
    json_bytes(key, target, (size_t)length);
}

static void report_window(int fd) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return;
  json_number("rows", size.ws_row);
  json_number("columns", size.ws_col);
}

static void report_descriptor(int fd, int flags) {
  struct stat status;
  char path[64];
  json_open(NULL, '{');
  json_number("fd", fd);
  json_bool("closeOnExec", flags & FD_CLOEXEC);
  json_number("flags", fcntl(fd, F_GETFL));
  if (fstat(fd, &status) == 0) {
    json_number("mode", status.st_mode);
    json_number("uid", status.st_uid);
    json_number("gid", status.st_gid);
    json_u64("inode", status.st_ino);
  }
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  report_link("target", path);
  json_bool("terminal", isatty(fd));
  report_window(fd);
  json_close('}');
}

void report_descriptors(void) {
  json_open("descriptors", '[');
  for (int fd = 0; fd < HIGHEST; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0) report_descriptor(fd, flags);
  }
  json_close(']');
  int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  json_bool("controllingTerminal", terminal >= 0);
  if (terminal >= 0) close(terminal);
}

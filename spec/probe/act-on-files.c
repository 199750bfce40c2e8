/* Actions on files: what the container lets its process do to paths. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "actions.h"
#include "json.h"

static void close_if_open(int fd) {
  if (fd >= 0) close(fd);
}

void write_path(char **arguments) {
  int fd = open(arguments[0], O_WRONLY | O_CLOEXEC);
  outcome(fd >= 0 && arguments[1] ? write(fd, arguments[1], strlen(arguments[1])) : fd);
  close_if_open(fd);
}

void create_path(char **arguments) {
  int fd = open(arguments[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, arguments[1] ? number(arguments[1]) : 0644);
  outcome(fd);
  close_if_open(fd);
}

void read_path(char **arguments) {
  static char content[65536];
  int fd = open(arguments[0], O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, content, sizeof content);
  outcome(length);
  if (length >= 0) json_bytes("content", content, (size_t)length);
  close_if_open(fd);
}

void list_path(char **arguments) {
  DIR *directory = opendir(arguments[0]);
  outcome(directory ? 0 : -1);
  if (!directory) return;
  json_open("names", '[');
  for (struct dirent *entry; (entry = readdir(directory));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) json_string(NULL, entry->d_name);
  json_close(']');
  closedir(directory);
}

void stat_path(char **arguments) {
  struct stat status;
  char target[4096];
  int result = lstat(arguments[0], &status);
  outcome(result);
  if (result != 0) return;
  json_number("mode", status.st_mode);
  json_number("uid", status.st_uid);
  json_number("gid", status.st_gid);
  json_number("size", status.st_size);
  json_number("major", major(status.st_rdev));
  json_number("minor", minor(status.st_rdev));
  ssize_t length = S_ISLNK(status.st_mode) ? readlink(arguments[0], target, sizeof target) : -1;
  if (length >= 0) json_bytes("target", target, (size_t)length);
}

void make_directory(char **arguments) { outcome(mkdir(arguments[0], arguments[1] ? number(arguments[1]) : 0755)); }

void remove_path(char **arguments) { outcome(unlink(arguments[0])); }

void make_node(char **arguments) {
  mode_t type = arguments[1][0] == 'c' ? S_IFCHR : arguments[1][0] == 'b' ? S_IFBLK : S_IFIFO;
  outcome(mknod(arguments[0], type | 0600, makedev(number(arguments[2]), number(arguments[3]))));
}

void open_device(char **arguments) {
  int fd = open(arguments[0], (arguments[1] ? number(arguments[1]) : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  outcome(fd);
  close_if_open(fd);
}

void mount_filesystem(char **arguments) {
  unsigned long flags = arguments[3] ? number(arguments[3]) : 0;
  outcome(mount(arguments[0], arguments[1], arguments[2], flags, arguments[3] ? arguments[4] : NULL));
}

void unmount_filesystem(char **arguments) { outcome(umount2(arguments[0], number(arguments[1]))); }

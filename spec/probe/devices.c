/* What stands in /dev, by lstat. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

static const char *type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFCHR: return "c";
    case S_IFBLK: return "b";
    case S_IFIFO: return "p";
    case S_IFDIR: return "d";
    case S_IFLNK: return "l";
    case S_IFSOCK: return "s";
    default: return "f";
  }
}

static void report_entry(int directory, const char *name) {
  struct stat status;
  char target[4096];
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return json_null(name);
  json_open(name, '{');
  json_string("type", type_of(status.st_mode));
  json_number("major", major(status.st_rdev));
  json_number("minor", minor(status.st_rdev));
  json_number("mode", status.st_mode & 07777);
  json_number("uid", status.st_uid);
  json_number("gid", status.st_gid);
  ssize_t length = S_ISLNK(status.st_mode) ? readlinkat(directory, name, target, sizeof target) : -1;
  if (length >= 0) json_bytes("target", target, (size_t)length);
  json_close('}');
}

void report_devices(void) {
  DIR *directory = opendir("/dev");
  if (!directory) return json_null("devices");
  json_open("devices", '{');
  for (struct dirent *entry; (entry = readdir(directory));)
    if (entry->d_name[0] != '.') report_entry(dirfd(directory), entry->d_name);
  json_close('}');
  closedir(directory);
}

#include "channel.h"

#include <errno.h>
#include <unistd.h>

int read_all(int fd, void *data, size_t length) {
  char *at = data;
  while (length > 0) {
    ssize_t got = read(fd, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return (int)got;
    at += got;
    length -= (size_t)got;
  }
  return 1;
}

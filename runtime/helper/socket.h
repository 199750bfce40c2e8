/* Data with a descriptor over a Unix socket. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

struct parcel {
  const void *data;
  size_t length;
  int descriptor; /* -1: none */
};

/* One sendmsg (flags: MSG_DONTWAIT); what it takes of the data (the descriptor comes with the first byte), or -1 with errno. */
ssize_t send_parcel(int socket, const struct parcel *parcel, int flags);

/* What is read of a D-Bus (dbus.freedesktop.org/doc/dbus-specification.html): the few fields of a message that a plan can ask for. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum message_type { MESSAGE_CALL = 1, MESSAGE_RETURN, MESSAGE_ERROR, MESSAGE_SIGNAL };

struct message {
  uint8_t type;
  uint32_t reply_to;  /* 0: none */
  char member[128];   /* what is longer is cut, and then nothing that we know */
  char error[128];
  char signature[32];
  size_t length;      /* of the body as far as it is kept */
  uint8_t body[4096];
};

/* Reads exactly length bytes, or skips them where data is NULL; 0, or -1 with errno. */
typedef int message_reader(void *from, void *data, size_t length);

/* The next message; 0, or -1 with errno: EBADMSG for what is none. */
int read_message(message_reader *read, void *from, struct message *message);

/* The string or object path number `index` (from 0) of a body of these and of uint32; NULL where there is none. */
const char *message_string(const struct message *message, uint32_t index);

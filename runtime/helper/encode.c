/* Values as they travel to a supervisor: little endian, padded to 4 bytes (runtime/channel/reader.ts takes them apart). */
#include "encode.h"

#include <stdlib.h>

static void put(struct encoded *encoded, const void *data, size_t length);

void begin_frame(struct encoded *encoded, enum frame_type type) {
  const struct frame_header header = {.magic = FRAME_MAGIC, .version = PROTOCOL_VERSION, .type = (uint16_t)type, .digest = OP_TABLE_DIGEST};
  put(encoded, &header, sizeof header);
}

size_t end_frame(struct encoded *encoded) {
  size_t length = encoded->length - sizeof(struct frame_header);
  ((struct frame_header *)(void *)encoded->data)->length = (uint32_t)length;
  return length;
}

void put_failure(struct encoded *encoded, const struct failure *failure) {
  put_u32(encoded, failure != NULL);
  if (failure == NULL) return;
  put_string(encoded, failure->op == NULL ? "" : op_kinds[failure->op->code].name);
  put_u32(encoded, failure->op == NULL ? 0 : failure->op->index);
  put_string(encoded, failure->op == NULL ? "" : failure->op->pointer);
  put_string(encoded, failure->syscall);
  put_u32(encoded, (uint32_t)failure->error);
  put_string(encoded, failure->path);
  put_string(encoded, failure->detail);
}

void put_strings(struct encoded *encoded, char *const *strings) {
  uint32_t count = 0;
  while (strings[count] != NULL) count++;
  put_u32(encoded, count);
  for (uint32_t i = 0; i < count; i++) put_string(encoded, strings[i]);
}

void put_string(struct encoded *encoded, const char *string) {
  static const char zeros[4] = {0};
  size_t length = strlen(string);
  put_u32(encoded, (uint32_t)length);
  put(encoded, string, length);
  put(encoded, zeros, 4 - length % 4); /* at least the NUL, then up to the next multiple of 4 */
}

void put_bytes(struct encoded *encoded, const void *data, size_t length) {
  static const char zeros[4] = {0};
  put_u32(encoded, (uint32_t)length);
  put(encoded, data, length);
  put(encoded, zeros, -length % 4);
}

void put_u32(struct encoded *encoded, uint32_t value) {
  put(encoded, &value, sizeof value);
}

static void put(struct encoded *encoded, const void *data, size_t length) {
  if (length == 0) return;
  if (encoded->length + length > encoded->room) {
    encoded->room = (encoded->length + length) * 2 + 4096;
    encoded->data = realloc(encoded->data, encoded->room);
    if (encoded->data == NULL) die("malloc", "", ENOMEM);
  }
  memcpy(encoded->data + encoded->length, data, length);
  encoded->length += length;
}

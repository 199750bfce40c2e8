/* Frames that the helper writes. */
#pragma once
#include "channel.h"
#include "krun.h"

struct encoded {
  uint8_t *data;
  size_t length, room;
};

void begin_frame(struct encoded *encoded, enum frame_type type);

/* Fills in the header; the length of the body. */
size_t end_frame(struct encoded *encoded);

void put_u32(struct encoded *encoded, uint32_t value);
void put_string(struct encoded *encoded, const char *string);
void put_strings(struct encoded *encoded, char *const *strings);
void put_bytes(struct encoded *encoded, const void *data, size_t length);

/* u32 whether there is one; then op, index, pointer, syscall, errno, path, detail. */
void put_failure(struct encoded *encoded, const struct failure *failure);

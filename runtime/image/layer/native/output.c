/* Records for standard output, gathered to large pieces. */
#include <stdlib.h>

#include "tree.h"

enum { ROOM = 1 << 18 };

static struct {
  uint8_t bytes[ROOM];
  size_t length;
  uint8_t *body; /* of the entry that is being put: its length is known at its end */
  size_t body_length, body_room;
  uint32_t type;
} output;

enum { XATTR_COUNT_AT = 28 };

static void put(const void *bytes, size_t length);
static void put_u32(uint32_t value);
static void put_text(const char *text);
static void write_out(const void *bytes, size_t length);
static void write_now(const uint8_t *bytes, size_t length);

void put_entry(uint32_t type, const struct entry *entry) {
  output.type = type;
  output.body_length = 0;
  const uint32_t fields[] = {entry->flags, entry->mode, entry->uid, entry->gid, entry->major, entry->minor, entry->nanoseconds, 0};
  put(fields, sizeof fields);
  put(&entry->seconds, sizeof entry->seconds);
  put(&entry->size, sizeof entry->size);
  put(&entry->inode, sizeof entry->inode);
  put_text(entry->path);
  put_text(entry->target);
}

void put_xattr(const char *name, const void *value, uint32_t length) {
  put_u32(0);
  put_text(name);
  put_u32(length);
  put(value, length);
}

void end_entry(uint32_t xattr_count) {
  uint32_t header[] = {output.type, (uint32_t)output.body_length};
  memcpy(output.body + XATTR_COUNT_AT, &xattr_count, sizeof xattr_count);
  write_out(header, sizeof header);
  write_out(output.body, output.body_length);
}

void put_data(uint64_t offset, const void *bytes, uint32_t length) {
  uint32_t header[] = {RECORD_DATA, (uint32_t)sizeof offset + length};
  write_out(header, sizeof header);
  write_out(&offset, sizeof offset);
  write_out(bytes, length);
}

void put_end(void) {
  static const uint32_t header[] = {RECORD_END, 0};
  write_out(header, sizeof header);
  write_now(output.bytes, output.length);
  output.length = 0;
}

static void put(const void *bytes, size_t length) {
  if (output.body_length + length > output.body_room) {
    output.body_room = (output.body_length + length) * 2;
    output.body = realloc(output.body, output.body_room);
    if (output.body == NULL) fail("malloc", "", "");
  }
  if (length > 0) memcpy(output.body + output.body_length, bytes, length);
  output.body_length += length;
}

static void put_u32(uint32_t value) { put(&value, sizeof value); }

static void put_text(const char *text) {
  uint32_t length = (uint32_t)strlen(text) + 1;
  put_u32(length);
  put(text, length);
}

static void write_out(const void *bytes, size_t length) {
  if (output.length + length > ROOM) {
    write_now(output.bytes, output.length);
    output.length = 0;
  }
  if (length > ROOM) return write_now(bytes, length);
  memcpy(output.bytes + output.length, bytes, length);
  output.length += length;
}

static void write_now(const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) _exit(1); /* nobody listens any more */
    bytes += written;
    length -= (size_t)written;
  }
}

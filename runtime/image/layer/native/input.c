/* Records from standard input: read in large pieces, used where they lie. */
#include <stdlib.h>

#include "tree.h"

enum { ROOM = 2 * LARGEST_RECORD, HEADER = 8 };

struct input {
  uint8_t *buffer;
  size_t start, end;
};

static struct input input;

static bool fill(size_t wanted);
static uint32_t take_u32(const uint8_t **at, const uint8_t *end);
static uint64_t take_u64(const uint8_t **at, const uint8_t *end);
static const char *take_text(const uint8_t **at, const uint8_t *end);

bool next_record(struct record *record) {
  if (!fill(HEADER)) return false;
  memcpy(&record->type, input.buffer + input.start, 4);
  memcpy(&record->length, input.buffer + input.start + 4, 4);
  if (record->length > LARGEST_RECORD) errno = EMSGSIZE, fail("read", "", "record");
  input.start += HEADER;
  if (!fill(record->length)) return false;
  record->body = input.buffer + input.start;
  input.start += record->length;
  return true;
}

static bool fill(size_t wanted) {
  if (input.buffer == NULL && (input.buffer = malloc(ROOM)) == NULL) fail("malloc", "", "");
  if (input.end - input.start < wanted && input.start + wanted > ROOM / 2) {
    memmove(input.buffer, input.buffer + input.start, input.end - input.start);
    input.end -= input.start;
    input.start = 0;
  }
  while (input.end - input.start < wanted) {
    ssize_t got = read(STDIN_FILENO, input.buffer + input.end, ROOM - input.end);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    input.end += (size_t)got;
  }
  return true;
}

struct entry decode_entry(const uint8_t *body, uint32_t length) {
  const uint8_t *at = body, *end = body + length;
  struct entry entry = {.end = end};
  uint32_t *const fields[] = {&entry.flags, &entry.mode, &entry.uid, &entry.gid, &entry.major, &entry.minor, &entry.nanoseconds, &entry.xattr_count};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = take_u32(&at, end);
  entry.seconds = (int64_t)take_u64(&at, end);
  entry.size = take_u64(&at, end);
  entry.inode = take_u64(&at, end);
  entry.path = take_text(&at, end);
  entry.target = take_text(&at, end);
  entry.xattrs = at;
  return entry;
}

struct xattr next_xattr(struct entry *entry) {
  struct xattr xattr = {.optional = take_u32(&entry->xattrs, entry->end) != 0};
  xattr.name = take_text(&entry->xattrs, entry->end);
  xattr.length = take_u32(&entry->xattrs, entry->end);
  if ((size_t)(entry->end - entry->xattrs) < xattr.length) errno = EPROTO, fail("read", "", "record");
  xattr.value = entry->xattrs;
  entry->xattrs += xattr.length;
  return xattr;
}

static uint32_t take_u32(const uint8_t **at, const uint8_t *end) {
  uint32_t value;
  if (end - *at < 4) errno = EPROTO, fail("read", "", "record");
  memcpy(&value, *at, 4);
  *at += 4;
  return value;
}

static uint64_t take_u64(const uint8_t **at, const uint8_t *end) {
  uint64_t low = take_u32(at, end);
  return low | (uint64_t)take_u32(at, end) << 32;
}

/* Its length includes the NUL, which must be the only one. */
static const char *take_text(const uint8_t **at, const uint8_t *end) {
  uint32_t length = take_u32(at, end);
  const uint8_t *text = *at;
  if (length == 0 || (size_t)(end - text) < length || memchr(text, 0, length) != text + length - 1) errno = EPROTO, fail("read", "", "record");
  *at += length;
  return (const char *)text;
}

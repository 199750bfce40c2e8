/* The records on standard input and output, in the byte order of the machine: u32 type, u32 length, body. runtime/image/layer/records.ts. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum record_type {
  RECORD_END,
  RECORD_DIRECTORY,
  RECORD_FILE,
  RECORD_HARD_LINK,
  RECORD_SYMLINK,
  RECORD_NODE,
  RECORD_ATTRIBUTES,
  RECORD_DATA, /* u64 offset, bytes */
};

enum {
  FLAG_REPLACE = 1,  /* remove what is there first */
  FLAG_KEEP = 2,     /* leave what is there as it is */
  FLAG_SEEN = 4,     /* reading: a further name of an entry that was told before */
  LARGEST_RECORD = 4 << 20,
  KEEP_OWNER = -1,
};

struct record {
  uint32_t type;
  uint32_t length;
  const uint8_t *body; /* until the next is read */
};

struct entry {
  uint32_t flags, mode, uid, gid, major, minor, nanoseconds, xattr_count;
  int64_t seconds;
  uint64_t size;
  uint64_t inode; /* reading: the same for all names of an entry that has several; else 0 */
  const char *path, *target;
  const uint8_t *xattrs, *end;
};

struct xattr {
  bool optional; /* a refusal is told only */
  const char *name;
  const uint8_t *value;
  uint32_t length;
};

/* False: the input has ended before RECORD_END. */
bool next_record(struct record *record);
/* Points into the body. A body that is none ends the process. */
struct entry decode_entry(const uint8_t *body, uint32_t length);
struct xattr next_xattr(struct entry *entry);

/* Reading: what was put since the last flush is one stretch of output. */
void put_entry(uint32_t type, const struct entry *entry);
void put_xattr(const char *name, const void *value, uint32_t length);
void end_entry(uint32_t xattr_count);
void put_data(uint64_t offset, const void *bytes, uint32_t length);
void put_end(void);

/* Frames between helper and supervisor: see runtime/channel/frame.ts. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum frame_type {
  FRAME_REQUEST = 1,
  FRAME_PLAN = 2,
  FRAME_GREETING = 3,
  /* between a launcher and the Node program whose it is */
  FRAME_PREPARE = 4,
  FRAME_LAUNCH = 5,
  FRAME_SIGNAL = 6,
  FRAME_CANCEL = 7,
  FRAME_REPORT = 8,
};

struct frame_header {
  uint32_t magic;
  uint16_t version;
  uint16_t type;
  uint32_t length;
  uint32_t digest;
};

#define FRAME_MAGIC 0x4e55524bu
#define MAX_REQUEST (4u * 1024 * 1024)
#define MAX_PLAN (16u * 1024 * 1024)

/* Reads exactly length bytes. 1, 0 when the other side has ended, -1 with errno. */
int read_all(int fd, void *data, size_t length);

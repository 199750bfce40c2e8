/* What criu says: the messages of its rpc.proto, as far as they concern us. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* criu_req_type of rpc.proto. */
enum { CRIU_NOTIFY = 6 };

struct criu_response {
  uint64_t type;
  bool success;
  uint64_t error;    /* an errno, or 0 */
  uint64_t pid;      /* of a notification or of the end of a restore; 0: none */
  char script[64];   /* of a notification */
  char message[512]; /* why it failed, if criu says so */
};

/* false when the bytes are no message of protocol buffers, or a text is too long. */
bool read_criu_response(const uint8_t *data, size_t length, struct criu_response *response);

/* A reader of protocol buffers (https://protobuf.dev/programming-guides/encoding), for one message that the host's criu sends. */
#include "criu-message.h"

#include <string.h>

enum wire { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

struct reader {
  const uint8_t *at;
  const uint8_t *end;
};

struct field {
  uint64_t number;
  uint64_t value;      /* VARINT */
  struct reader bytes; /* LENGTH */
};

static bool read_notification(struct reader reader, struct criu_response *response);
static bool read_restored(struct reader reader, struct criu_response *response);
static bool read_field(struct reader *reader, struct field *field);
static bool read_varint(struct reader *reader, uint64_t *value);
static bool skip(struct reader *reader, uint64_t length);
static bool copy(struct reader bytes, char *text, size_t size);

/* criu_resp. */
bool read_criu_response(const uint8_t *data, size_t length, struct criu_response *response) {
  struct reader reader = {.at = data, .end = data + length};
  struct field field;
  *response = (struct criu_response){0};
  while (reader.at < reader.end) {
    if (!read_field(&reader, &field)) return false;
    switch (field.number) {
      case 1: response->type = field.value; break;
      case 2: response->success = field.value != 0; break;
      case 4: if (!read_restored(field.bytes, response)) return false; break;
      case 5: if (!read_notification(field.bytes, response)) return false; break;
      case 7: response->error = field.value; break;
      case 9: if (!copy(field.bytes, response->message, sizeof response->message)) return false; break;
      default: break;
    }
  }
  return true;
}

/* criu_notify. */
static bool read_notification(struct reader reader, struct criu_response *response) {
  struct field field;
  while (reader.at < reader.end) {
    if (!read_field(&reader, &field)) return false;
    if (field.number == 1 && !copy(field.bytes, response->script, sizeof response->script)) return false;
    if (field.number == 2) response->pid = field.value;
  }
  return true;
}

/* criu_restore_resp. */
static bool read_restored(struct reader reader, struct criu_response *response) {
  struct field field;
  while (reader.at < reader.end) {
    if (!read_field(&reader, &field)) return false;
    if (field.number == 1) response->pid = field.value;
  }
  return true;
}

static bool read_field(struct reader *reader, struct field *field) {
  uint64_t key, length;
  *field = (struct field){0};
  if (!read_varint(reader, &key)) return false;
  field->number = key >> 3;
  switch (key & 7) {
    case VARINT: return read_varint(reader, &field->value);
    case FIXED64: return skip(reader, 8);
    case FIXED32: return skip(reader, 4);
    case LENGTH:
      if (!read_varint(reader, &length)) return false;
      field->bytes.at = reader->at;
      if (!skip(reader, length)) return false;
      field->bytes.end = reader->at;
      return true;
    default: return false;
  }
}

static bool read_varint(struct reader *reader, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
    uint8_t byte = *reader->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

static bool skip(struct reader *reader, uint64_t length) {
  if (length > (uint64_t)(reader->end - reader->at)) return false;
  reader->at += length;
  return true;
}

static bool copy(struct reader bytes, char *text, size_t size) {
  size_t length = (size_t)(bytes.end - bytes.at);
  if (bytes.at == NULL || length >= size) return false;
  memcpy(text, bytes.at, length);
  text[length] = '\0';
  return true;
}

#include "bus-message.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_FIELDS 8192u
#define MAX_MESSAGE (128u * 1024 * 1024) /* the specification's */

enum field_code { FIELD_MEMBER = 3, FIELD_ERROR_NAME, FIELD_REPLY_SERIAL, FIELD_SIGNATURE = 8 };

/* Both supported processors are little-endian, and so is every message of a local bus. */
struct fixed_header {
  uint8_t order, type, flags, version;
  uint32_t body_length, serial, fields_length;
};

struct cursor {
  const uint8_t *data;
  size_t length, at;
};

static int read_fields(struct cursor fields, struct message *message);
static int take_field(struct cursor *fields, struct message *message);
static bool take_u32(struct cursor *cursor, uint32_t *value);
static const char *take_string(struct cursor *cursor);
static const char *take_signature(struct cursor *cursor);
static bool take(struct cursor *cursor, size_t align, size_t size, const uint8_t **data);
static int malformed(void);

int read_message(message_reader *read, void *from, struct message *message) {
  struct fixed_header header;
  static uint8_t fields[MAX_FIELDS + 8];
  *message = (struct message){0};
  if (read(from, &header, sizeof header) < 0) return -1;
  if (header.order != 'l' || header.version != 1 || header.fields_length > MAX_FIELDS || header.body_length > MAX_MESSAGE) return malformed();
  if (read(from, fields, (header.fields_length + 7) & ~7u) < 0) return -1;
  message->type = header.type;
  if (read_fields((struct cursor){fields, header.fields_length, 0}, message) < 0) return -1;
  message->length = header.body_length < sizeof message->body ? header.body_length : sizeof message->body;
  if (read(from, message->body, message->length) < 0) return -1;
  return read(from, NULL, header.body_length - message->length);
}

const char *message_string(const struct message *message, uint32_t index) {
  struct cursor body = {message->body, message->length, 0};
  for (const char *type = message->signature;; type++) {
    uint32_t number;
    if (*type == 'u' && take_u32(&body, &number)) continue;
    const char *string = *type == 's' || *type == 'o' ? take_string(&body) : NULL;
    if (string == NULL || index-- == 0) return string;
  }
}

/* Header fields begin at byte 16 of a message, so that they are aligned as by themselves. */
static int read_fields(struct cursor fields, struct message *message) {
  while (fields.at < fields.length)
    if (take_field(&fields, message) < 0) return -1;
  return 0;
}

static int take_field(struct cursor *fields, struct message *message) {
  const uint8_t *code;
  const char *type, *value = "";
  uint32_t number = 0;
  if (!take(fields, 8, 1, &code) || (type = take_signature(fields)) == NULL) return malformed();
  if (strcmp(type, "u") == 0) {
    if (!take_u32(fields, &number)) return malformed();
  } else {
    value = strcmp(type, "s") == 0 || strcmp(type, "o") == 0 ? take_string(fields) : strcmp(type, "g") == 0 ? take_signature(fields) : NULL;
    if (value == NULL) return malformed();
  }
  if (*code == FIELD_MEMBER) snprintf(message->member, sizeof message->member, "%s", value);
  if (*code == FIELD_ERROR_NAME) snprintf(message->error, sizeof message->error, "%s", value);
  if (*code == FIELD_SIGNATURE) snprintf(message->signature, sizeof message->signature, "%s", value);
  if (*code == FIELD_REPLY_SERIAL) message->reply_to = number;
  return 0;
}

static bool take_u32(struct cursor *cursor, uint32_t *value) {
  const uint8_t *data;
  if (!take(cursor, 4, sizeof *value, &data)) return false;
  memcpy(value, data, sizeof *value);
  return true;
}

static const char *take_string(struct cursor *cursor) {
  const uint8_t *text;
  uint32_t length;
  if (!take_u32(cursor, &length) || length >= MAX_MESSAGE || !take(cursor, 1, (size_t)length + 1, &text)) return NULL;
  return text[length] == '\0' ? (const char *)text : NULL;
}

static const char *take_signature(struct cursor *cursor) {
  const uint8_t *length, *text;
  if (!take(cursor, 1, 1, &length) || !take(cursor, 1, (size_t)*length + 1, &text)) return NULL;
  return text[*length] == '\0' ? (const char *)text : NULL;
}

static bool take(struct cursor *cursor, size_t align, size_t size, const uint8_t **data) {
  size_t at = (cursor->at + align - 1) & ~(align - 1);
  if (at > cursor->length || size > cursor->length - at) return false;
  *data = cursor->data + at;
  cursor->at = at + size;
  return true;
}

static int malformed(void) {
  errno = EBADMSG;
  return -1;
}

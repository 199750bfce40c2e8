#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool follows; /* a value stands before, on the same level */

static void quote(const char *bytes, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void begin(const char *key) {
  if (follows) putchar(',');
  if (key) {
    quote(key, strlen(key));
    putchar(':');
  }
  follows = true;
}

void json_open(const char *key, char bracket) {
  begin(key);
  putchar(bracket);
  follows = false;
}

void json_close(char bracket) {
  putchar(bracket);
  follows = true;
}

void json_bytes(const char *key, const char *value, size_t length) {
  begin(key);
  quote(value, length);
}

void json_string(const char *key, const char *value) {
  if (value)
    json_bytes(key, value, strlen(value));
  else
    json_null(key);
}

void json_number(const char *key, long long value) {
  begin(key);
  printf("%lld", value);
}

void json_u64(const char *key, uint64_t value) {
  begin(key);
  printf("\"%" PRIu64 "\"", value);
}

void json_hex(const char *key, uint64_t value) {
  begin(key);
  printf("\"%016" PRIx64 "\"", value);
}

void json_bool(const char *key, bool value) {
  begin(key);
  fputs(value ? "true" : "false", stdout);
}

void json_null(const char *key) {
  begin(key);
  fputs("null", stdout);
}

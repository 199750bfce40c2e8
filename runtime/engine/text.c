/* Text ↔ bytes. QuickJS keeps a string as Latin-1 or UTF-16. */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static size_t sequence_length(const uint8_t *at, size_t left);

bool take_span(JSContext *js, JSValueConst *arguments, struct span *span) {
  size_t size;
  int64_t offset, length;
  uint8_t *bytes = JS_GetArrayBuffer(js, &size, arguments[0]);
  if (bytes == NULL || JS_ToInt64(js, &offset, arguments[1]) < 0 || JS_ToInt64(js, &length, arguments[2]) < 0) return false;
  if (offset < 0 || length < 0 || (uint64_t)offset > size || (uint64_t)length > size - (uint64_t)offset) {
    JS_ThrowRangeError(js, "outside of the buffer");
    return false;
  }
  *span = (struct span){.bytes = bytes + offset, .length = (size_t)length};
  return true;
}

JSValue decode_utf8(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  struct span span;
  return take_span(js, arguments, &span) ? JS_NewStringLen(js, (const char *)span.bytes, span.length) : JS_EXCEPTION;
}

JSValue decode_latin1(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  struct span span;
  if (!take_span(js, arguments, &span)) return JS_EXCEPTION;
  char *text = malloc(span.length * 2 + 1);
  if (text == NULL) return JS_ThrowOutOfMemory(js);
  size_t length = 0;
  for (size_t i = 0; i < span.length; i++) {
    if (span.bytes[i] >= 0x80) text[length++] = (char)(0xc0 | span.bytes[i] >> 6);
    text[length++] = (char)(span.bytes[i] < 0x80 ? span.bytes[i] : 0x80 | (span.bytes[i] & 0x3f));
  }
  JSValue string = JS_NewStringLen(js, text, length);
  free(text);
  return string;
}

JSValue encode_utf8(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  size_t length;
  const char *text = JS_ToCStringLen(js, &length, arguments[0]);
  if (text == NULL) return JS_EXCEPTION;
  JSValue buffer = JS_NewArrayBufferCopy(js, (const uint8_t *)text, length);
  JS_FreeCString(js, text);
  return buffer;
}

JSValue is_utf8(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  struct span span;
  if (!take_span(js, arguments, &span)) return JS_EXCEPTION;
  for (size_t i = 0, length; i < span.length; i += length) {
    length = sequence_length(span.bytes + i, span.length - i);
    if (length == 0) return JS_FALSE;
  }
  return JS_TRUE;
}

/* The Unicode Standard, table 3-7: neither overlong forms nor surrogates nor what lies beyond U+10FFFF. 0 for what is none. */
static size_t sequence_length(const uint8_t *at, size_t left) {
  if (at[0] < 0x80) return 1;
  size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4 || left < length) return 0;
  const uint8_t lowest = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
  const uint8_t highest = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < lowest || at[1] > highest) return 0;
  for (size_t i = 2; i < length; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  return length;
}

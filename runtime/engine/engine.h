/* The small engine: QuickJS, and what a supervisor needs of a host. See ARCHITECTURE.md, "Two homes". */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

enum { CHANNEL = 3 };

/* A runtime whose memory comes in size classes from few large mappings: it lives for milliseconds. */
JSRuntime *new_runtime(void);

/* The functions of the operating system, as properties of an object: see node/host.ts for what each takes and returns. */
JSValue make_host(JSContext *js);

/* A part of an ArrayBuffer, from the arguments (buffer, offset, length). False with an exception. */
struct span {
  uint8_t *bytes;
  size_t length;
};
bool take_span(JSContext *js, JSValueConst *arguments, struct span *span);

/* (buffer, offset, length) → string; what is not UTF-8 becomes U+FFFD. */
JSCFunction decode_utf8, decode_latin1;
/* (buffer, offset, length) → boolean */
JSCFunction is_utf8;
/* A well-formed string → buffer */
JSCFunction encode_utf8;

/* The next request on the channel, kept for become_node; exits when the helper has gone. */
JSValue read_request(JSContext *js, JSValueConst self, int count, JSValueConst *arguments);

/* Node takes over this process and this request. */
_Noreturn void become_node(const char *directory);

/* Says why on the standard error, which the helper shows, and exits with 1. */
_Noreturn void fail(const char *what, const char *why);

/* The channel's request, and its way on to Node. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"
#include "ops.h"

enum { HEADER = 16, LENGTH_AT = 8, LARGEST = 16 * 1024 * 1024, KEPT = 4 };

static uint8_t *request;
static size_t request_length;

static void read_exactly(uint8_t *at, size_t length);

JSValue read_request(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count, (void)arguments;
  uint8_t header[HEADER];
  read_exactly(header, HEADER);
  uint32_t length;
  memcpy(&length, header + LENGTH_AT, sizeof length);
  if (length > LARGEST) fail("the request", "is too long");
  request_length = HEADER + length;
  request = malloc(request_length);
  if (request == NULL) fail("no memory", "");
  memcpy(request, header, HEADER);
  read_exactly(request + HEADER, length);
  return JS_NewArrayBufferCopy(js, request, request_length);
}

static void read_exactly(uint8_t *at, size_t length) {
  while (length > 0) {
    ssize_t got = read(CHANNEL, at, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(1);
    at += got;
    length -= (size_t)got;
  }
}

/* start.cjs reads the request from descriptor 4, and answers on the channel. */
_Noreturn void become_node(const char *directory) {
  close(KEPT);
  int memory = memfd_create("krun-request", 0);
  if (memory != KEPT || write(memory, request, request_length) != (ssize_t)request_length || lseek(memory, 0, SEEK_SET) < 0)
    fail("the request", "cannot be kept");
  char node[PATH_MAX], script[PATH_MAX];
  snprintf(node, sizeof node, "%s/node", directory);
  snprintf(script, sizeof script, "%s/start.cjs", directory);
  const char *const arguments[] = {"krun-supervisor", NODE_OPTIONS, script, "request-on-4", NULL};
  char *const environment[] = {NULL};
  execve(node, (char *const *)arguments, environment);
  fail(node, strerror(errno));
}

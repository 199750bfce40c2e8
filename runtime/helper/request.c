#include "request.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "channel.h"

static void put(struct encoded *encoded, const void *data, size_t length);
static void put_u32(struct encoded *encoded, uint32_t value);
static void put_string(struct encoded *encoded, const char *string);
static void put_strings(struct encoded *encoded, char *const *strings);
static void put_failure(struct encoded *encoded, const struct failure *failure);
static void put_follow_up(struct encoded *encoded, const struct follow_up *follow_up);

struct request describe_call(int argc, char **argv, char **environment) {
  (void)argc;
  struct request request = {.argv = argv, .environment = environment, .uid = geteuid(), .gid = getegid(), .pid = (uint32_t)getpid()};
  if (getcwd(request.directory, sizeof request.directory) == NULL) strcpy(request.directory, "/");
  mode_t mask = umask(0);
  umask(mask);
  request.umask = mask;
  for (int fd = 0; fd <= 2; fd++)
    if (isatty(fd)) request.terminals |= 1u << fd;
  return request;
}

/* u32 uid, gid, pid, umask, terminals · string cwd · strings argv, environment · the failure · the follow-up: see runtime/channel/decode-request.ts */
struct encoded encode_request(const struct request *request, const struct failure *failure) {
  struct encoded encoded = {0};
  struct frame_header header = {.magic = FRAME_MAGIC, .version = PROTOCOL_VERSION, .type = FRAME_REQUEST, .digest = OP_TABLE_DIGEST};
  put(&encoded, &header, sizeof header);
  put_u32(&encoded, request->uid);
  put_u32(&encoded, request->gid);
  put_u32(&encoded, request->pid);
  put_u32(&encoded, request->umask);
  put_u32(&encoded, request->terminals);
  put_string(&encoded, request->directory);
  put_strings(&encoded, request->argv);
  put_strings(&encoded, request->environment);
  put_failure(&encoded, failure);
  put_follow_up(&encoded, &request->follow_up);
  size_t length = encoded.length - sizeof header;
  if (length > MAX_REQUEST) die("the request is too large: arguments, environment and input", "", E2BIG);
  ((struct frame_header *)(void *)encoded.data)->length = (uint32_t)length;
  return encoded;
}

static void put_failure(struct encoded *encoded, const struct failure *failure) {
  put_u32(encoded, failure != NULL);
  if (failure == NULL) return;
  put_string(encoded, failure->op == NULL ? "" : op_kinds[failure->op->code].name);
  put_u32(encoded, failure->op == NULL ? 0 : failure->op->index);
  put_string(encoded, failure->op == NULL ? "" : failure->op->pointer);
  put_string(encoded, failure->syscall);
  put_u32(encoded, (uint32_t)failure->error);
  put_string(encoded, failure->path);
  put_string(encoded, failure->detail);
}

static void put_follow_up(struct encoded *encoded, const struct follow_up *follow_up) {
  static const char zeros[4] = {0};
  put_u32(encoded, follow_up->memo != NULL);
  if (follow_up->memo == NULL) return;
  put_string(encoded, follow_up->memo);
  put_u32(encoded, (uint32_t)follow_up->length);
  put(encoded, follow_up->input, follow_up->length);
  put(encoded, zeros, -follow_up->length % 4);
}

static void put_strings(struct encoded *encoded, char *const *strings) {
  uint32_t count = 0;
  while (strings[count] != NULL) count++;
  put_u32(encoded, count);
  for (uint32_t i = 0; i < count; i++) put_string(encoded, strings[i]);
}

static void put_string(struct encoded *encoded, const char *string) {
  static const char zeros[4] = {0};
  size_t length = strlen(string);
  put_u32(encoded, (uint32_t)length);
  put(encoded, string, length);
  put(encoded, zeros, 4 - length % 4); /* at least the NUL, then up to the next multiple of 4 */
}

static void put_u32(struct encoded *encoded, uint32_t value) {
  put(encoded, &value, sizeof value);
}

static void put(struct encoded *encoded, const void *data, size_t length) {
  if (length == 0) return;
  if (encoded->length + length > encoded->room) {
    encoded->room = (encoded->length + length) * 2 + 4096;
    encoded->data = realloc(encoded->data, encoded->room);
    if (encoded->data == NULL) die("malloc", "", ENOMEM);
  }
  memcpy(encoded->data + encoded->length, data, length);
  encoded->length += length;
}

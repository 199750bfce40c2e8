#include "request.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "channel.h"

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
  begin_frame(&encoded, FRAME_REQUEST);
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
  if (end_frame(&encoded) > MAX_REQUEST) die("the request is too large: arguments, environment and input", "", E2BIG);
  return encoded;
}

static void put_follow_up(struct encoded *encoded, const struct follow_up *follow_up) {
  put_u32(encoded, follow_up->memo != NULL);
  if (follow_up->memo == NULL) return;
  put_string(encoded, follow_up->memo);
  put_bytes(encoded, follow_up->input, follow_up->length);
}

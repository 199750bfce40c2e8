/* What a supervisor is told: the call, what an answer before handed on, and after a failure what went wrong. */
#pragma once
#include "encode.h"
#include "krun.h"

struct request {
  char **argv;
  char **environment;
  char directory[PATH_MAX];
  uint32_t uid, gid, pid, umask, terminals; /* terminals: bit n is set when descriptor n is one */
  struct follow_up follow_up; /* of the answer before; its memo is NULL in the first question */
};

struct request describe_call(int argc, char **argv, char **environment);

/* The whole frame, to be freed; failure may be NULL. */
struct encoded encode_request(const struct request *request, const struct failure *failure);

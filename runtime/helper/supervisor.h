/* The supervisor that answers this call: handed to us by our parent, or started by us. */
#pragma once
#include "plan.h"
#include "request.h"

struct supervisor {
  int channel;
  pid_t pid;      /* of the one we started; 0 when it is not ours */
  int complaints; /* a memory file with what ours wrote to its standard error; -1 when it is not ours */
  char prefix[PATH_MAX]; /* the directory that krun is installed in */
};

/* KRUN_CHANNEL=<descriptor> names one that our parent has opened; otherwise start one from the installation. */
void find_supervisor(struct supervisor *supervisor, char **environment);

/* A supervisor answers one request and is gone: get one for the next. */
void again_supervisor(struct supervisor *supervisor);

void send_request(const struct supervisor *supervisor, const struct request *request, const struct failure *failure);

/* Reads the answer, then ends a supervisor of our own; dies when the answer is none. */
void receive_plan(struct supervisor *supervisor, struct plan *plan);

void reap_supervisor(const struct supervisor *supervisor);

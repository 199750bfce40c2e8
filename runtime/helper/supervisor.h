/* The supervisor that answers this call: handed to us by our parent, or started by us. */
#pragma once
#include "plan.h"
#include "request.h"

struct supervisor {
  int channel;
  pid_t pid;      /* of the one we started; 0 when it is not ours */
  bool resident;  /* a resident one has been asked (resident.h) */
  pid_t like_us;  /* the process that has been seen to be in our namespaces, at our root; 0: none yet */
  int complaints; /* a memory file with what ours wrote to its standard error; -1 when it is not ours */
  struct times times;
  char prefix[PATH_MAX]; /* the directory that krun is installed in */
};

/* KRUN_CHANNEL=<descriptor> names one that our parent has opened. */
void find_supervisor(struct supervisor *supervisor, char **environment);

/* Puts the question to that one, or else to the resident one, or else to one started from the installation. */
void ask(struct supervisor *supervisor, const struct request *request, const struct failure *failure);

/* Reads the answer to that question, if need be from another supervisor than the one that was asked; dies when there is none to be had. */
void receive_plan(struct supervisor *supervisor, const struct request *request, const struct failure *failure, struct plan *plan);

void reap_supervisor(const struct supervisor *supervisor);

/* What the files of the helper share: the context, failures, descriptors. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "generated/ops.h"

#define MAX_EXITS 32
#define MAX_WARNINGS 8

/* One failure: the first wins. The op that ran is known from `op`. */
struct failure {
  const struct op *op;
  int error;
  char syscall[32];
  char path[PATH_MAX];
  char detail[1024];
};

struct plan;
struct timing;
struct handover;
struct launch;

/* What one plan hands on to the next question. */
struct follow_up {
  const char *memo; /* in the plan's body, in a request allocated; NULL: there is no next question */
  uint8_t *input;   /* allocated */
  size_t length;
};

struct context {
  const struct plan *plan;
  int *slots;
  uint32_t slot_count;
  const struct op *current;
  struct failure failure;
  bool failed;
  struct failure warnings[MAX_WARNINGS]; /* what failed and is only to be told */
  uint32_t warning_count;
  int interrupted; /* the signal that ended the start, or 0 */

  bool is_child;   /* this process runs a clone's program */
  int line;        /* SOCK_SEQPACKET: the helper's or the child's end; -1 before clone */
  pid_t child;     /* helper: the process cloned last (a stage or init) */
  pid_t init;      /* helper: the container's first process */
  bool awaits_init; /* helper: a stage waits for us before it makes init */
  pid_t anchor;    /* helper: around whom systemd makes the scope; 0: nobody */
  int init_pidfd;
  bool subreaper;  /* helper: the container's orphans are left to us */
  bool executed;   /* helper: init has become the container's process */
  uint32_t reached; /* helper: the last stage that the child has reported */

  int *criu; /* helper: the slot of the line to the child if that is criu at work; NULL: it is not */

  int exit_status;
  int ended_by;    /* the signal that ended the process that was waited for, or 0 */
  struct launch *launch; /* who is told how it goes; NULL: only the exit status tells */
  bool leaving;    /* an exit op ran */
  const struct program *exits[MAX_EXITS];
  uint32_t exit_count;

  struct follow_up follow_up;

  struct timing *timing; /* timing.c; NULL: nobody has asked for it */

  int gate;        /* init: where it waits for start; -1: nowhere */
  int report;      /* init: where it then says how that went; who starts it: where that is heard; -1: none */
  bool started;    /* init: the gate is passed */
  struct op foreign; /* who starts it: the op of another plan that failed there */
  char foreign_pointer[256];

  int helper;      /* the copy that we run from, for becomeInit; -1: not needed */
  int ready[2];    /* by which the first process tells its child that it is what it is to be; -1: not needed */
  pid_t own_child; /* the first process with --init: who goes on with the plan */
  bool attended;   /* that child: the first process is its parent */
  struct handover *handover; /* shared by helper and init: seccomp-listener.c; NULL: not needed */
  pid_t knocker;   /* helper: who has knocked, which with --init is not init; 0: nobody yet */

  bool in_directory; /* child: changeDirectory has worked */

  int empty_directory; /* child: the tmpfs that masks directories; 0: not needed yet */

  /* child: for execute */
  char program[PATH_MAX];
  char home[PATH_MAX];
};

/* Record a failure (errno is read) and return -1, so that an op can end with `return fail(…)`. path may be "". */
int fail(struct context *context, const char *syscall, const char *path);
int fail_with(struct context *context, int error, const char *syscall, const char *path);
/* As fail_with, and explain: a short "key=value" line, as printf. */
int fail_detail(struct context *context, int error, const char *syscall, const char *path, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Slots. slot_fd fails with EBADF when the slot is empty; slot_store takes the descriptor over (and closes what was there). */
int slot_fd(struct context *context, uint32_t slot);
bool slot_empty(const struct context *context, uint32_t slot);
int slot_store(struct context *context, uint32_t slot, int fd);
void slot_close(struct context *context, uint32_t slot);

/* Descriptors that close themselves. */
#define AUTO_CLOSE __attribute__((cleanup(close_descriptor)))
static inline void close_descriptor(int *fd) {
  if (*fd >= 0) close(*fd);
}
static inline int steal_fd(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

/* The last word when no supervisor can say it. */
_Noreturn void die(const char *what, const char *path, int error);

/* Write all bytes, through short writes and EINTR; 0 or -1 with errno. */
int write_all(int fd, const void *data, size_t length);

/* Run a program's ops in order until one fails or leaves; 0 or -1. */
int run_program(struct context *context, const struct program *program);

/* Points at which the build for tests can stop, fail or be killed (KRUN_TEST_STOP, _FAIL, _KILL); nothing otherwise. */
#ifdef KRUN_TEST
int test_op(struct context *context, const struct op *op);
void test_point(const char *name);
void test_record(uint32_t type);
void test_over(void);
#define TEST_RECORD_DIE 99u
#else
#define test_op(context, op) 0
#define test_point(name) ((void)0)
#define test_record(type) ((void)0)
#define test_over() ((void)0)
#endif

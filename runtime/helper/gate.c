/*
 * Two FIFOs in the state directory. init reads the gate and holds both of its ends, so that it waits whoever comes and goes; `start`
 * finds a reader there exactly as long as init waits. The report is init's to write: its end without a failure is execve's doing.
 */
#include "gate.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "process.h"
#include "signals.h"

struct start_report {
  uint32_t executed; /* or failed */
  uint32_t index, code;
  char pointer[sizeof ((struct context *)0)->foreign_pointer];
  struct failure failure;
};

static int make_fifo(struct context *context, int directory, const char *name);
static int open_fifo(struct context *context, int directory, const char *name, int flags);
static void listen_to_caller(void);
static void die_of(int signal);
static int hear_report(struct context *context, struct start_report *report, size_t *length);
static int take_failure(struct context *context, const struct start_report *report);

int op_create_gate(struct context *context, const struct op_create_gate *op) {
  int directory = slot_fd(context, op->directory);
  if (directory < 0 || make_fifo(context, directory, op->gate) < 0 || make_fifo(context, directory, op->report) < 0) return -1;
  context->gate = open_fifo(context, directory, op->gate, O_RDWR);
  AUTO_CLOSE int reader = open_fifo(context, directory, op->report, O_RDONLY | O_NONBLOCK); /* without one the next open would wait */
  context->report = reader < 0 ? -1 : open_fifo(context, directory, op->report, O_WRONLY);
  return context->gate < 0 || context->report < 0 ? -1 : 0;
}

/* The caller of `create` has gone, or will: what it would have sent us by the terminal or kill(2) ends us here, as it ends a process that waits. */
int op_wait_for_start(struct context *context, const struct op_wait_for_start *op) {
  (void)op;
  char byte;
  listen_to_caller();
  ssize_t length;
  do length = read(context->gate, &byte, 1);
  while (length < 0 && errno == EINTR);
  if (length != 1) return fail(context, "read", "");
  block_signals();
  sigset_t pipe; /* whoever starts us may go before we report: a pending SIGPIPE would survive execve */
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  signal(SIGPIPE, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &pipe, NULL);
  close(context->gate);
  context->gate = -1;
  context->started = true;
  return 0;
}

/* ENXIO: nobody waits at the gate. ENOENT: it has been passed. Whoever crashes in between leaves a FIFO without a reader, which is no gate. */
int op_pass_gate(struct context *context, const struct op_pass_gate *op) {
  int directory = slot_fd(context, op->directory);
  if (directory < 0) return -1;
  AUTO_CLOSE int report = open_fifo(context, directory, op->report, O_RDONLY | O_NONBLOCK);
  if (report < 0) return -1;
  AUTO_CLOSE int gate = open_fifo(context, directory, op->gate, O_WRONLY | O_NONBLOCK);
  if (gate < 0) return -1;
  if (write_all(gate, "", 1) < 0) return fail(context, "write", op->gate);
  test_point("gate-passed");
  if (unlinkat(directory, op->gate, 0) < 0 || unlinkat(directory, op->report, 0) < 0) return fail(context, "unlinkat", op->gate);
  context->report = steal_fd(&report);
  return 0;
}

int op_wait_for_started(struct context *context, const struct op_wait_for_started *op) {
  (void)op;
  bool executed = false;
  for (;;) {
    struct start_report report = {0};
    size_t length = 0;
    if (hear_report(context, &report, &length) < 0) return -1;
    if (length == 0) return executed ? 0 : fail_with(context, ECHILD, "clone3", "");
    executed = length == sizeof report.executed && report.executed != 0;
    if (!executed) return take_failure(context, &report);
  }
}

int report_executed(struct context *context) {
  const uint32_t executed = 1;
  (void)!write(context->report, &executed, sizeof executed); /* to nobody, if `start` was killed: the container runs all the same */
  return 0;
}

_Noreturn void report_failed(struct context *context) {
  struct start_report report = {.failure = context->failure};
  const struct op *op = context->failure.op;
  if (op != NULL) {
    report.index = op->index;
    report.code = op->code;
    snprintf(report.pointer, sizeof report.pointer, "%s", op->pointer);
  }
  (void)!write(context->report, &report, sizeof report);
  _exit(1);
}

static int make_fifo(struct context *context, int directory, const char *name) {
  return mkfifoat(directory, name, 0600) < 0 ? fail(context, "mkfifoat", name) : 0;
}

static int open_fifo(struct context *context, int directory, const char *name, int flags) {
  struct stat status;
  AUTO_CLOSE int fifo = openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC);
  if (fifo < 0 || fstat(fifo, &status) < 0) return fail(context, "openat", name);
  if (!S_ISFIFO(status.st_mode)) return fail_with(context, EINVAL, "openat", name);
  return steal_fd(&fifo);
}

static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static void listen_to_caller(void) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
    signal(ending[i], die_of); /* as first of a pid namespace, we get only what we handle */
    sigaddset(&set, ending[i]);
  }
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void die_of(int signal) {
  _exit(128 + signal);
}

/* One report; a failure is longer than what a pipe takes at once, so it may come in parts. Length 0: the other end is closed. */
static int hear_report(struct context *context, struct start_report *report, size_t *length) {
  const size_t whole[] = {sizeof report->executed, sizeof *report};
  for (;;) {
    if (await_line(context, context->report) < 0) return -1;
    size_t wanted = (*length < whole[0] || report->executed != 0 ? whole[0] : whole[1]) - *length;
    ssize_t count = read(context->report, (char *)report + *length, wanted);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail(context, "read", "");
    if (count == 0) return 0;
    *length += (size_t)count;
    if (*length == (report->executed != 0 ? whole[0] : whole[1])) return 0;
  }
}

static int take_failure(struct context *context, const struct start_report *report) {
  context->failed = true;
  context->failure = report->failure;
  memcpy(context->foreign_pointer, report->pointer, sizeof context->foreign_pointer);
  context->foreign_pointer[sizeof context->foreign_pointer - 1] = '\0';
  context->foreign = (struct op){.code = report->code < OP_COUNT ? report->code : OP_EXECUTE, .index = report->index, .pointer = context->foreign_pointer};
  context->failure.op = &context->foreign;
  return -1;
}

/* clone, and the line (a SOCK_SEQPACKET pair) on which the child reports: stages reached, init's pid, execve, or the failure. */
#include "process.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "criu.h"
#include "gate.h"
#include "plan.h"
#include "scope.h"
#include "signals.h"

enum record_type { RECORD_STAGE, RECORD_INIT, RECORD_EXECUTE, RECORD_FAILURE, RECORD_KNOCK };

struct record {
  uint32_t type;
  uint32_t value; /* stage, pid, or the failed op's index */
};

struct failure_record {
  struct record head;
  struct failure failure;
};

static int open_line(struct context *context, int *child_end);
static int send_record(struct context *context, enum record_type type, uint32_t value);
static _Noreturn void send_failure(struct context *context);
static ssize_t receive_record(struct context *context, struct failure_record *record);
static int poll_line(struct context *context, int line, int milliseconds);
static ssize_t receive(struct context *context, struct failure_record *record);
static int hear(struct context *context);
static int take_record(struct context *context, const struct failure_record *record);
static int end_stage(struct context *context);
static bool is_stage(const struct program *program);
static bool waits_first(const struct program *program);
static int await_init(struct context *context);

int op_clone(struct context *context, const struct op_clone *op) {
  AUTO_CLOSE int child_end = -1;
  bool first = context->line < 0;
  if (first && (open_line(context, &child_end) < 0 || refuse_interrupted(context) < 0)) return -1;

  struct clone_args arguments = {.flags = op->flags, .exit_signal = op->flags & CLONE_PARENT ? 0 : SIGCHLD};
  if (op->cgroup != NO_SLOT) {
    int cgroup = slot_fd(context, op->cgroup);
    if (cgroup < 0) return -1;
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)cgroup;
  }
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail(context, "clone3", "");
  if (pid == 0) {
    if (first) {
      close(context->line);
      context->line = steal_fd(&child_end);
    }
    run_child(context, &op->program);
  }
  if (context->is_child) return send_record(context, RECORD_INIT, (uint32_t)pid);
  context->child = context->init = pid;
  if (first) close(steal_fd(&child_end)); /* or a stage that dies without a word would never be the end of the line */
  context->awaits_init = is_stage(&op->program);
  return context->awaits_init && !waits_first(&op->program) ? await_init(context) : 0;
}

/* A stage's last op is the clone of init. */
static bool is_stage(const struct program *program) {
  return program->count > 0 && program->ops[program->count - 1].code == OP_CLONE;
}

/* notifyChild lets it go on, and then waits for init in its turn. */
static bool waits_first(const struct program *program) {
  return program->ops[0].code == OP_WAIT_FOR_PARENT;
}

/* Until the stage has said who init is, its own pid would be taken for it. What init itself says may come first. */
static int await_init(struct context *context) {
  while (context->init == context->child)
    if (hear(context) < 0) return -1;
  context->awaits_init = false;
  return 0;
}

/* To a child that has gone nothing can be said, but its last word still waits in the line. */
int op_notify_child(struct context *context, const struct op_notify_child *op) {
  struct record record = {.type = RECORD_STAGE, .value = op->stage};
  if (send(context->line, &record, sizeof record, MSG_NOSIGNAL) == sizeof record) return context->awaits_init ? await_init(context) : 0;
  if (errno != EPIPE && errno != ECONNRESET) return fail(context, "send", "");
  while (hear(context) == 0) continue;
  return -1;
}

/* A child whose helper has gone has nobody to report to: it ends without a word. */
int op_wait_for_parent(struct context *context, const struct op_wait_for_parent *op) {
  (void)context;
  struct record record;
  do {
    ssize_t length = recv(context->line, &record, sizeof record, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length != sizeof record) _exit(1);
  } while (record.type != RECORD_STAGE || record.value != op->stage);
  return 0;
}

int op_notify_parent(struct context *context, const struct op_notify_parent *op) {
  return send_record(context, RECORD_STAGE, op->stage);
}

int op_wait_for_child(struct context *context, const struct op_wait_for_child *op) {
  while (context->reached < op->stage)
    if (hear(context) < 0) return -1;
  return 0;
}

/* execve closes the child's end: the end of the line after RECORD_EXECUTE is the good end. */
int op_wait_for_execute(struct context *context, const struct op_wait_for_execute *op) {
  (void)op;
  struct failure_record record;
  for (;;) {
    ssize_t length = receive(context, &record);
    if (length < 0) return -1;
    if (length == 0) return context->executed ? end_stage(context) : child_vanished(context);
    if (take_record(context, &record) < 0) return -1;
  }
}

int announce_execute(struct context *context) {
  if (context->started) return report_executed(context);
  return send_record(context, RECORD_EXECUTE, 0);
}

void end_child(struct context *context) {
  if (context->criu != NULL) stop_criu(context); /* it may trace init: until it lets go, that could not be reaped */
  if (context->init > 0) {
    kill(context->init, SIGKILL);
    reap(context->init);
  }
  if (context->child > 0 && context->child != context->init) {
    kill(context->child, SIGKILL);
    reap(context->child);
  }
  context->init = context->child = 0;
  end_anchor(context);
}

/* A stage has ended by now: what comes before this op waits for init, its last deed. */
int op_release_init(struct context *context, const struct op_release_init *op) {
  (void)op;
  if (context->child != context->init) reap(context->child);
  context->init = context->child = 0;
  return 0;
}

int reap(pid_t pid) {
  int status;
  pid_t reaped;
  do reaped = waitpid(pid, &status, __WALL);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A stage has nothing left to do once it has cloned init. */
static int end_stage(struct context *context) {
  if (context->child != context->init) reap(context->child);
  context->child = context->init;
  return 0;
}

static int open_line(struct context *context, int *child_end) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return fail(context, "socketpair", "");
  context->line = ends[0];
  const int yes = 1; /* to know who knocks */
  if (context->handover != NULL && setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0) return fail(context, "SO_PASSCRED", "");
  *child_end = ends[1];
  return 0;
}

/* Only set-up runs here: execute does not come back, so that the end of the program is the end of a stage. */
_Noreturn void run_child(struct context *context, const struct program *program) {
  context->is_child = true;
  context->exit_count = 0;
  context->child = context->init = context->anchor = 0;
  if (run_program(context, program) < 0) send_failure(context);
  _exit(0);
}

static int send_record(struct context *context, enum record_type type, uint32_t value) {
  struct record record = {.type = type, .value = value};
  if (send(context->line, &record, sizeof record, MSG_NOSIGNAL) != sizeof record) return fail(context, "send", "");
  return 0;
}

static _Noreturn void send_failure(struct context *context) {
  if (context->started) report_failed(context);
  struct failure_record record = {.head = {.type = RECORD_FAILURE}, .failure = context->failure};
  if (context->failure.op != NULL) record.head.value = context->failure.op->index;
  (void)!send(context->line, &record, sizeof record, MSG_NOSIGNAL);
  _exit(1);
}

static ssize_t receive(struct context *context, struct failure_record *record) {
  for (;;) {
    if (await_line(context, context->line) < 0) return -1;
    ssize_t length = receive_record(context, record);
    if (length == 0 || length >= (ssize_t)sizeof record->head) return length;
    if (length < 0 && errno != EINTR && errno != ECONNRESET) return fail(context, "recv", ""); /* what was queued before a reset comes next */
  }
}

static ssize_t receive_record(struct context *context, struct failure_record *record) {
  union {
    char space[CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr aligned;
  } control;
  struct iovec data = {.iov_base = record, .iov_len = sizeof *record};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(context->line, &message, MSG_CMSG_CLOEXEC);
  const struct cmsghdr *header = length < (ssize_t)sizeof record->head ? NULL : CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_CREDENTIALS || record->head.type != RECORD_KNOCK) return length;
  struct ucred sender;
  memcpy(&sender, CMSG_DATA(header), sizeof sender);
  context->knocker = sender.pid;
  return length;
}

int await_line(struct context *context, int line) {
  return poll_line(context, line, -1) < 0 ? -1 : 0;
}

int hear_within(struct context *context, int milliseconds) {
  int ready = poll_line(context, context->line, milliseconds);
  return ready > 0 ? hear(context) : ready;
}

void knock(struct context *context) {
  const struct record record = {.type = RECORD_KNOCK};
  (void)!send(context->line, &record, sizeof record, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool hear_knock(struct context *context) {
  struct record record;
  return recv(context->line, &record, sizeof record, 0) != 0;
}

/* 1 if there is something to read; 0 if the time is over. */
static int poll_line(struct context *context, int line, int milliseconds) {
  AUTO_CLOSE int signals = open_interrupts();
  struct pollfd ready[] = {{.fd = line, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  if (signals < 0) return fail(context, "signalfd", "");
  while (poll(ready, 2, milliseconds) < 0)
    if (errno != EINTR) return fail(context, "poll", "");
  return ready[0].revents != 0 ? 1 : refuse_interrupted(context);
}

/* One record; the end of the line is a failure too. */
static int hear(struct context *context) {
  struct failure_record record;
  ssize_t length = receive(context, &record);
  if (length < 0) return -1;
  return length == 0 ? child_vanished(context) : take_record(context, &record);
}

static int take_record(struct context *context, const struct failure_record *record) {
  test_record(record->head.type);
  switch ((enum record_type)record->head.type) {
    case RECORD_KNOCK: return 0;
    case RECORD_STAGE: context->reached = record->head.value; return 0;
    case RECORD_EXECUTE: context->executed = true; return 0;
    case RECORD_INIT:
      context->init = (pid_t)record->head.value;
      return 0;
    case RECORD_FAILURE:
      context->failed = true;
      context->failure = record->failure;
      context->failure.op = find_op(&context->plan->program, record->head.value);
      return -1;
  }
  return fail_with(context, EPROTO, "recv", "");
}

/* The line ended without a word: something killed the set-up. Say by which signal. */
int child_vanished(struct context *context) {
  pid_t pid = context->init;
  context->init = 0;
  if (context->child == pid) context->child = 0;
  int status = reap(pid);
  return fail_detail(context, ECHILD, "clone3", "", status > 128 ? "signal=%d" : "status=%d", status > 128 ? status - 128 : status);
}

/*
 * The Node program is the supervisor: it compiles a plan and sends it here, and a child carries it out as any helper does.
 * So a start forks no Node, neither a new one nor the (large) program itself. Nothing is decided here: a call says where its
 * standard streams go, and what comes back is told. When the program has gone, or wants us to, all calls are ended as by
 * SIGKILL of their container, and clear up; what they have left behind on purpose (detached containers) stays.
 */
#include "launcher.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "encode.h"
#include "launch.h"

enum stream { STREAM_NULL, STREAM_INHERIT, STREAM_PIPE };
enum { LARGEST_REPORT = 1 << 18 };

struct call {
  uint32_t id;
  pid_t pid;   /* 0: prepared only */
  int near[3]; /* the program's ends, which it opens through /proc/<our pid>/fd; -1 for none */
  int far[3];  /* the process' ends; -1: ours is inherited */
};

struct launcher {
  int control;
  int line, reports; /* the ends of all children, and ours */
  int signals;
  pid_t pid;
  bool over;
  struct call *calls;
  size_t count, room;
  char report[LARGEST_REPORT];
};

static void set_up(struct launcher *launcher, int control);
static void take_message(struct launcher *launcher);
static void receive(struct launcher *launcher, void *data, size_t length);
static void prepare(struct launcher *launcher, uint32_t id, size_t length);
static int open_stream(enum stream stream, int number, struct call *call);
static void launch(struct launcher *launcher, uint32_t id, size_t length);
static void read_plan_of(struct launcher *launcher, size_t length, struct plan *plan);
static _Noreturn void become_helper(const struct launcher *launcher, const struct call *call, const struct plan *plan);
static void pass_signal(struct launcher *launcher, uint32_t id, size_t length);
static void send_signal(const struct call *call, int signal);
static void end_all(struct launcher *launcher);
static void relay_reports(struct launcher *launcher);
static void reap_children(struct launcher *launcher);
static void tell_gone(struct launcher *launcher, uint32_t id, pid_t pid, int status);
static void tell(struct launcher *launcher, struct encoded *report);
static struct call *find(struct launcher *launcher, uint32_t id, pid_t pid);
static void forget(struct launcher *launcher, struct call *call);
static void close_streams(struct call *call);
static _Noreturn void misunderstood(const char *why);

bool is_launcher(char **environment) {
  for (char **variable = environment; *variable != NULL; variable++)
    if (strncmp(*variable, "KRUN_LAUNCHER=", 14) == 0) return true;
  return false;
}

_Noreturn void launch_calls(int control) {
  static struct launcher launcher;
  set_up(&launcher, control);
  while (!launcher.over || launcher.count > 0) {
    struct pollfd ready[] = {
      {.fd = launcher.over ? -1 : control, .events = POLLIN},
      {.fd = launcher.reports, .events = POLLIN},
      {.fd = launcher.signals, .events = POLLIN},
    };
    if (poll(ready, 3, -1) < 0 && errno != EINTR) die("poll", "", errno);
    if (ready[1].revents != 0) relay_reports(&launcher);
    if (ready[2].revents != 0) reap_children(&launcher);
    if (ready[0].revents != 0) take_message(&launcher);
  }
  _exit(0);
}

/* A subreaper: what calls leave behind becomes our child, so that the end of a detached container can be told too. */
static void set_up(struct launcher *launcher, int control) {
  int ends[2];
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  *launcher = (struct launcher){.control = control, .pid = getpid()};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) die("socketpair", "", errno);
  launcher->line = ends[0];
  launcher->reports = ends[1];
  launcher->signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  if (launcher->signals < 0) die("signalfd", "", errno);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "krun-launcher");
}

static void take_message(struct launcher *launcher) {
  struct frame_header header;
  uint32_t id;
  int got = read_all(launcher->control, &header, sizeof header);
  if (got <= 0) return end_all(launcher);
  if (header.magic != FRAME_MAGIC || header.version != PROTOCOL_VERSION || header.digest != OP_TABLE_DIGEST)
    misunderstood("is of another build: build both again (npm run build)");
  if (header.length < sizeof id || header.length > MAX_PLAN) misunderstood("sent a message of a wrong length");
  receive(launcher, &id, sizeof id);
  if (launcher->over) return;
  size_t length = header.length - sizeof id;
  switch ((enum frame_type)header.type) {
    case FRAME_PREPARE: return prepare(launcher, id, length);
    case FRAME_LAUNCH: return launch(launcher, id, length);
    case FRAME_SIGNAL: return pass_signal(launcher, id, length);
    case FRAME_CANCEL: {
      struct call *call = find(launcher, id, 0);
      if (call != NULL) forget(launcher, call);
      return;
    }
    case FRAME_REQUEST:
    case FRAME_PLAN:
    case FRAME_GREETING:
    case FRAME_REPORT: break;
  }
  misunderstood("sent a message that is none");
}

/* The end in the middle of a message is the end of the program. */
static void receive(struct launcher *launcher, void *data, size_t length) {
  if (length > 0 && !launcher->over && read_all(launcher->control, data, length) <= 0) end_all(launcher);
}

/* Before the plan is there, and told at once: the program compiles meanwhile. */
static void prepare(struct launcher *launcher, uint32_t id, size_t length) {
  uint32_t streams[3];
  if (length != sizeof streams) misunderstood("sent a message of a wrong length");
  receive(launcher, streams, sizeof streams);
  if (launcher->over) return;
  if (launcher->count == launcher->room) {
    launcher->room = launcher->room * 2 + 16;
    launcher->calls = realloc(launcher->calls, launcher->room * sizeof *launcher->calls);
    if (launcher->calls == NULL) die("malloc", "", ENOMEM);
  }
  struct call *call = &launcher->calls[launcher->count++];
  *call = (struct call){.id = id, .near = {-1, -1, -1}, .far = {-1, -1, -1}};
  int error = 0;
  for (int i = 0; i < 3 && error == 0; i++)
    if (open_stream((enum stream)streams[i], i, call) < 0) error = errno;

  struct encoded report = {0};
  begin_frame(&report, FRAME_REPORT);
  put_u32(&report, REPORT_PREPARED);
  put_u32(&report, id);
  put_u32(&report, (uint32_t)error);
  for (int i = 0; i < 3; i++) put_u32(&report, (uint32_t)call->near[i]);
  if (error != 0) forget(launcher, call);
  tell(launcher, &report);
}

static int open_stream(enum stream stream, int number, struct call *call) {
  int ends[2];
  switch (stream) {
    case STREAM_INHERIT: return 0;
    case STREAM_NULL: return call->far[number] = open("/dev/null", O_RDWR | O_CLOEXEC);
    case STREAM_PIPE:
      if (pipe2(ends, O_CLOEXEC) < 0) return -1;
      call->near[number] = ends[number == 0 ? 1 : 0];
      call->far[number] = ends[number == 0 ? 0 : 1];
      return 0;
  }
  misunderstood("asked for a stream that is none");
}

static void launch(struct launcher *launcher, uint32_t id, size_t length) {
  struct plan plan = {0};
  read_plan_of(launcher, length, &plan);
  struct call *call = find(launcher, id, 0);
  if (launcher->over || call == NULL || call->pid != 0) return free_plan(&plan);
  call->pid = fork();
  if (call->pid == 0) become_helper(launcher, call, &plan);
  int error = errno;
  free_plan(&plan);
  close_streams(call);
  if (call->pid > 0) return;
  forget(launcher, call);
  tell_gone(launcher, id, -error, 0);
}

static void read_plan_of(struct launcher *launcher, size_t length, struct plan *plan) {
  uint8_t *body = malloc(length + 1);
  if (body == NULL) die("malloc", "", ENOMEM);
  receive(launcher, body, length);
  if (launcher->over) return free(body);
  const char *refused = read_plan(body, (uint32_t)length, plan);
  if (refused != NULL) misunderstood(refused);
}

/* Nothing of the other calls may stay open here: whoever reads from their pipes waits for the last writer. */
static _Noreturn void become_helper(const struct launcher *launcher, const struct call *call, const struct plan *plan) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != launcher->pid) _exit(1);
  prctl(PR_SET_NAME, "krun");
  for (int i = 0; i < 3; i++)
    if (call->far[i] >= 0 && dup2(call->far[i], i) < 0) _exit(1);
  struct launch launch = {.line = 3, .call = call->id, .launcher = launcher->pid};
  if (launcher->line != 3 && dup3(launcher->line, 3, O_CLOEXEC) < 0) _exit(1);
  syscall(SYS_close_range, 4u, ~0u, 0u);
  carry_out_call(&launch, plan);
}

static void pass_signal(struct launcher *launcher, uint32_t id, size_t length) {
  uint32_t signal;
  if (length != sizeof signal) misunderstood("sent a message of a wrong length");
  receive(launcher, &signal, sizeof signal);
  struct call *call = find(launcher, id, 0);
  if (!launcher->over && call != NULL && call->pid > 0) send_signal(call, (int)signal);
}

/* Our child, not reaped: the pid is its own. */
static void send_signal(const struct call *call, int signal) {
  if (signal != SIGKILL) {
    kill(call->pid, signal);
    return;
  }
  kill(call->pid, SIGNAL_OVER);
  kill(call->pid, SIGTERM);
}

static void end_all(struct launcher *launcher) {
  launcher->over = true;
  for (size_t i = launcher->count; i > 0; i--) {
    struct call *call = &launcher->calls[i - 1];
    if (call->pid > 0) send_signal(call, SIGKILL);
    else forget(launcher, call);
  }
}

/* What children have told goes on as it is; a program that has gone is told nothing, and nothing depends on it. */
static void relay_reports(struct launcher *launcher) {
  ssize_t length;
  while ((length = recv(launcher->reports, launcher->report, sizeof launcher->report, MSG_DONTWAIT)) > 0)
    (void)!write_all(launcher->control, launcher->report, (size_t)length);
}

/* Their last words come first. */
static void reap_children(struct launcher *launcher) {
  struct signalfd_siginfo info;
  int status;
  pid_t pid;
  while (read(launcher->signals, &info, sizeof info) > 0) continue;
  while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
    relay_reports(launcher);
    struct call *call = find(launcher, 0, pid);
    tell_gone(launcher, call == NULL ? 0 : call->id, pid, status);
    if (call != NULL) forget(launcher, call);
  }
}

static void tell_gone(struct launcher *launcher, uint32_t id, pid_t pid, int status) {
  struct encoded report = {0};
  begin_frame(&report, FRAME_REPORT);
  put_u32(&report, REPORT_GONE);
  put_u32(&report, id);
  put_u32(&report, (uint32_t)pid);
  put_u32(&report, WIFSIGNALED(status) ? 0 : (uint32_t)WEXITSTATUS(status));
  put_u32(&report, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
  tell(launcher, &report);
}

static void tell(struct launcher *launcher, struct encoded *report) {
  end_frame(report);
  (void)!write_all(launcher->control, report->data, report->length);
  free(report->data);
}

/* By id, or by pid where that is not 0. */
static struct call *find(struct launcher *launcher, uint32_t id, pid_t pid) {
  for (size_t i = 0; i < launcher->count; i++)
    if (pid == 0 ? launcher->calls[i].id == id : launcher->calls[i].pid == pid) return &launcher->calls[i];
  return NULL;
}

static void forget(struct launcher *launcher, struct call *call) {
  close_streams(call);
  *call = launcher->calls[--launcher->count];
}

static void close_streams(struct call *call) {
  for (int i = 0; i < 3; i++) {
    close_descriptor(&call->near[i]);
    close_descriptor(&call->far[i]);
    call->near[i] = call->far[i] = -1;
  }
}

static _Noreturn void misunderstood(const char *why) {
  static const char prefix[] = "krun: E_PROTO: the program ";
  (void)!write_all(2, prefix, sizeof prefix - 1);
  (void)!write_all(2, why, strlen(why));
  (void)!write_all(2, "\n", 1);
  _exit(1);
}

#include "supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "channel.h"
#include "process.h"
#include "resident.h"
#include "timing.h"

static bool is_given(const struct supervisor *supervisor);
static void ask_own(struct supervisor *supervisor, const struct encoded *encoded);
static void send_request(const struct supervisor *supervisor, const struct encoded *encoded);
static const char *receive(struct supervisor *supervisor, struct plan *plan);
static bool read_header(const struct supervisor *supervisor, struct frame_header *header);
static void discard(struct supervisor *supervisor);
static void find_prefix(struct supervisor *supervisor);
static void start(struct supervisor *supervisor);
static _Noreturn void become_supervisor(const char *prefix, int channel, int complaints);
static void execute_home(const char *prefix);
static void end(struct supervisor *supervisor);
static _Noreturn void give_up(const struct supervisor *supervisor, const char *why);

void find_supervisor(struct supervisor *supervisor, char **environment) {
  *supervisor = (struct supervisor){.channel = -1, .complaints = -1, .times.begun = now_nanoseconds()};
  find_prefix(supervisor);
  for (char **variable = environment; *variable != NULL; variable++) {
    if (strncmp(*variable, "KRUN_CHANNEL=", 13) == 0) supervisor->channel = atoi(*variable + 13);
    if (strncmp(*variable, "KRUN_LAUNCHER=", 14) == 0) supervisor->channel = atoi(*variable + 14);
  }
}

/* A given one answers on the same channel; of our own each answers one question and is gone. */
void ask(struct supervisor *supervisor, const struct request *request, const struct failure *failure) {
  struct encoded encoded = encode_request(request, failure);
  if (supervisor->complaints >= 0) discard(supervisor);
  if (is_given(supervisor)) send_request(supervisor, &encoded);
  else if (!ask_resident(supervisor, request, &encoded)) ask_own(supervisor, &encoded);
  free(encoded.data);
  supervisor->times.asked = now_nanoseconds();
}

void receive_plan(struct supervisor *supervisor, const struct request *request, const struct failure *failure, struct plan *plan) {
  const char *wrong = receive(supervisor, plan);
  if (supervisor->resident) {
    leave_resident(supervisor);
    if (wrong == NULL) return;
    struct encoded encoded = encode_request(request, failure); /* as if there had been none */
    ask_own(supervisor, &encoded);
    free(encoded.data);
    wrong = receive(supervisor, plan);
  }
  if (wrong != NULL) give_up(supervisor, wrong);
}

void reap_supervisor(const struct supervisor *supervisor) {
  if (supervisor->pid > 0) reap(supervisor->pid);
}

static bool is_given(const struct supervisor *supervisor) {
  return supervisor->channel >= 0;
}

static void ask_own(struct supervisor *supervisor, const struct encoded *encoded) {
  start(supervisor);
  send_request(supervisor, encoded);
}

static void send_request(const struct supervisor *supervisor, const struct encoded *encoded) {
  if (write_all(supervisor->channel, encoded->data, encoded->length) < 0) give_up(supervisor, "does not read the request");
}

/* NULL, or what is wrong with the answer; then plan holds nothing. */
static const char *receive(struct supervisor *supervisor, struct plan *plan) {
  struct frame_header header;
  if (!read_header(supervisor, &header)) return "ended without an answer";
  if (header.magic != FRAME_MAGIC || header.version != PROTOCOL_VERSION || header.type != FRAME_PLAN || header.digest != OP_TABLE_DIGEST)
    return "is of another build: build both again (npm run build)";
  if (header.length > MAX_PLAN) return "sent a plan that is too large";
  uint8_t *body = malloc(header.length + 1);
  if (body == NULL) die("malloc", "", ENOMEM);
  if (read_all(supervisor->channel, body, header.length) <= 0) {
    free(body);
    return "ended in the middle of its answer";
  }
  end(supervisor);
  const char *refused = read_plan(body, header.length, plan);
  if (refused != NULL) free_plan(plan);
  plan->times = supervisor->times;
  plan->times.answered = now_nanoseconds();
  return refused;
}

static bool read_header(const struct supervisor *supervisor, struct frame_header *header) {
  if (supervisor->resident) return receive_header(supervisor, header);
  return read_all(supervisor->channel, header, sizeof *header) > 0;
}

static void discard(struct supervisor *supervisor) {
  reap_supervisor(supervisor);
  close(supervisor->channel);
  close(supervisor->complaints);
  supervisor->channel = supervisor->complaints = -1;
  supervisor->pid = 0;
}

/* <prefix>/bin/krun */
static void find_prefix(struct supervisor *supervisor) {
  ssize_t length = readlink("/proc/self/exe", supervisor->prefix, sizeof supervisor->prefix - 1);
  if (length < 0) die("cannot read", "/proc/self/exe", errno);
  supervisor->prefix[length] = 0;
  for (int i = 0; i < 2; i++) {
    char *slash = strrchr(supervisor->prefix, '/');
    if (slash != NULL) *slash = 0;
  }
}

/* vfork: a fork would copy the page tables for nothing. */
static void start(struct supervisor *supervisor) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) die("socketpair", "", errno);
  supervisor->channel = ends[0];
  supervisor->complaints = memfd_create("krun-supervisor", MFD_CLOEXEC);
  if (supervisor->complaints < 0) die("memfd_create", "", errno);
  supervisor->pid = vfork();
  if (supervisor->pid < 0) die("vfork", "", errno);
  if (supervisor->pid == 0) become_supervisor(supervisor->prefix, ends[1], supervisor->complaints);
  close(ends[1]);
}

/* An environment of its own (CVE-2025-23266: NODE_OPTIONS and its kind come from the caller) and no descriptor but these four. */
static _Noreturn void become_supervisor(const char *prefix, int channel, int complaints) {
  sigset_t none;
  sigemptyset(&none);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int high = fcntl(channel, F_DUPFD_CLOEXEC, 10);
  int log = fcntl(complaints, F_DUPFD_CLOEXEC, 10);
  if (null < 0 || high < 0 || log < 0) _exit(127);
  if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0 || dup2(high, 3) < 0) _exit(127);
  syscall(SYS_close_range, 4u, ~0u, 0u);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execute_home(prefix);
  dprintf(2, "krun is not built (npm run build): cannot execute %s/dist/node: %s\n", prefix, strerror(errno));
  _exit(127);
}

/* The small engine, which becomes Node for what it has not compiled; Node itself where it was not built. */
static void execute_home(const char *prefix) {
  char dist[PATH_MAX + 16], program[PATH_MAX + 32], script[PATH_MAX + 32];
  char *const environment[] = {NULL};
  snprintf(dist, sizeof dist, "%s/dist", prefix);
  snprintf(program, sizeof program, "%s/engine", dist);
  const char *const small[] = {"krun-supervisor", dist, NULL};
  execve(program, (char *const *)small, environment);
  snprintf(program, sizeof program, "%s/node", dist);
  snprintf(script, sizeof script, "%s/start.cjs", dist);
  const char *const whole[] = {"krun-supervisor", NODE_OPTIONS, script, NULL};
  execve(program, (char *const *)whole, environment);
}

/* Its answer is here; the kernel takes a process down faster than Node does, and while we work. */
static void end(struct supervisor *supervisor) {
  if (supervisor->pid > 0) kill(supervisor->pid, SIGKILL);
}

static _Noreturn void give_up(const struct supervisor *supervisor, const char *why) {
  sigset_t pending;
  sigpending(&pending);
  static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof interrupts / sizeof *interrupts; i++)
    if (sigismember(&pending, interrupts[i]) == 1) _exit(128 + interrupts[i]);
  dprintf(2, "krun: E_PROTO: the supervisor %s\n", why);
  char text[4096];
  ssize_t length = supervisor->complaints < 0 ? 0 : pread(supervisor->complaints, text, sizeof text, 0);
  if (length > 0) write_all(2, text, (size_t)length);
  _exit(1);
}

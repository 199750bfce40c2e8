/* krun's helper: asks a supervisor for a plan, carries the plan out, and clears up behind it. It decides nothing itself. */
#include <stdlib.h>
#include <sys/auxv.h>

#include "channel.h"
#include "exits.h"
#include "follow-up.h"
#include "init.h"
#include "krun.h"
#include "launcher.h"
#include "plan.h"
#include "request.h"
#include "rules.h"
#include "seal.h"
#include "signals.h"
#include "supervisor.h"

static void refuse_borrowed_privileges(void);
static void open_standard_descriptors(void);
static void answer(struct supervisor *supervisor, const struct request *request, const struct failure *failure, struct plan *plan);
static bool goes_on(const struct context *context);
static void ask_again(struct supervisor *supervisor, struct request *request, struct context *context, struct plan *plan);
static void tell_warnings(struct supervisor *supervisor, const struct request *request, const struct context *context);
static _Noreturn void leave(const struct supervisor *supervisor, const struct context *context);

int main(int argc, char **argv, char **environment) {
  be_init(argc, argv);
  refuse_borrowed_privileges();
  open_standard_descriptors();
  block_signals();

  struct request request = describe_call(argc, argv, environment);
  struct supervisor supervisor;
  if (!unseal(&supervisor)) {
    find_supervisor(&supervisor, environment);
    if (!is_launcher(environment)) ask(&supervisor, &request, NULL);
    if (RULE(SEALED)) seal(&supervisor, argv, environment); /* the supervisor is at work meanwhile */
  }
  if (is_launcher(environment)) launch_calls(supervisor.channel);

  struct plan plan = {0};
  receive_plan(&supervisor, &request, NULL, &plan);
  static struct context context; /* static: most of it is never touched, so that it costs neither zeroing nor copies in a fork */
  carry_out(&context, &plan);
  tell_warnings(&supervisor, &request, &context);
  while (goes_on(&context)) {
    ask_again(&supervisor, &request, &context, &plan);
    carry_out(&context, &plan);
    tell_warnings(&supervisor, &request, &context);
  }

  if (context.failed && context.interrupted == 0) {
    struct plan explanation = {0};
    test_over();
    answer(&supervisor, &request, &context.failure, &explanation);
    carry_out(&context, &explanation);
    if (context.failed) die(context.failure.syscall, context.failure.path, context.failure.error);
  }
  leave(&supervisor, &context);
}

/* A setuid helper would lend its rights to whoever calls it: CVE-2016-8659 and its kind. */
static void refuse_borrowed_privileges(void) {
  if (!RULE(NO_BORROWED_PRIVILEGES) || getauxval(AT_SECURE) == 0) return;
  static const char message[] = "krun: E_SECURE: krun must not be setuid, setgid or carry file capabilities\n";
  (void)!write(2, message, sizeof message - 1);
  _exit(1);
}

/* A caller that closed one of 0 to 2 must not have our own descriptors land there. */
static void open_standard_descriptors(void) {
  int fd;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2);
  if (fd > 2) close(fd);
}

static void answer(struct supervisor *supervisor, const struct request *request, const struct failure *failure, struct plan *plan) {
  ask(supervisor, request, failure);
  receive_plan(supervisor, request, failure, plan);
}

/* What failed without making the call a failure: the answer tells it, and changes nothing else. */
static void tell_warnings(struct supervisor *supervisor, const struct request *request, const struct context *context) {
  for (uint32_t i = 0; i < context->warning_count; i++) {
    struct plan explanation = {0};
    static struct context telling;
    answer(supervisor, request, &context->warnings[i], &explanation);
    carry_out(&telling, &explanation);
  }
}

static bool goes_on(const struct context *context) {
  return context->follow_up.memo != NULL && !context->failed && context->interrupted == 0;
}

/* The answer takes the place of the plan that asked for it. */
static void ask_again(struct supervisor *supervisor, struct request *request, struct context *context, struct plan *plan) {
  struct plan next = {0};
  free(request->follow_up.input);
  free((char *)request->follow_up.memo);
  request->follow_up = take_follow_up(context);
  request->follow_up.memo = strdup(request->follow_up.memo); /* it goes along if the next plan fails, when this one is gone */
  if (request->follow_up.memo == NULL) die("strdup", "", ENOMEM);
  answer(supervisor, request, NULL, &next);
  free_plan(plan);
  *plan = next;
}

static _Noreturn void leave(const struct supervisor *supervisor, const struct context *context) {
  reap_supervisor(supervisor);
  if (context->interrupted != 0) exit(128 + context->interrupted);
  exit(context->exit_status);
}

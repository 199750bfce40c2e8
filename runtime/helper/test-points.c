/* Only in the build for tests: ways to fail, die and stop where a test says. */
#ifdef KRUN_TEST
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "krun.h"

static void kill_helper(struct context *context);

static bool is_at(const char *variable, uint32_t index) {
  const char *value = getenv(variable);
  return value != NULL && strtoul(value, NULL, 10) == index;
}

/* KRUN_TEST_FAIL, KRUN_TEST_KILL: the number of an op, as `krun plan` prints it. The one fails, the other ends the helper. */
int test_op(struct context *context, const struct op *op) {
  if (is_at("KRUN_TEST_KILL", op->index)) kill_helper(context);
  if (is_at("KRUN_TEST_FAIL", op->index)) return fail_with(context, EIO, "test", "");
  return 0;
}

/* From its pid namespace a child cannot signal the helper: it asks for it on the line, and goes on when the helper is gone. */
static void kill_helper(struct context *context) {
  if (!context->is_child) kill(getpid(), SIGKILL);
  const uint32_t record[2] = {TEST_RECORD_DIE, 0};
  char byte;
  if (send(context->line, record, sizeof record, MSG_NOSIGNAL) == sizeof record)
    while (recv(context->line, &byte, 1, 0) > 0) continue;
}

void test_record(uint32_t type) {
  if (type == TEST_RECORD_DIE) kill(getpid(), SIGKILL);
}

/* What reports the failure is not to fail itself. */
void test_over(void) {
  unsetenv("KRUN_TEST_FAIL");
}

/* KRUN_TEST_STOP: the name of a point; whoever waits for the stop lets it go on by SIGCONT. */
void test_point(const char *name) {
  const char *wanted = getenv("KRUN_TEST_STOP");
  if (wanted != NULL && strcmp(wanted, name) == 0) kill(getpid(), SIGSTOP); /* raise(3) would stop the parent: clone3 leaves its tid in the libc */
}
#endif

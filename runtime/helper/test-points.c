/* Only in the build for tests: ways to fail, die and stop where a test says. */
#ifdef KRUN_TEST
#include <signal.h>
#include <stdlib.h>

#include "krun.h"

static bool is_at(const char *variable, uint32_t index) {
  const char *value = getenv(variable);
  return value != NULL && strtoul(value, NULL, 10) == index;
}

/* KRUN_TEST_FAIL, KRUN_TEST_KILL: the number of an op, as `krun plan` prints it. */
int test_op(struct context *context, const struct op *op) {
  if (is_at("KRUN_TEST_KILL", op->index)) kill(context->is_child ? getppid() : getpid(), SIGKILL);
  if (is_at("KRUN_TEST_FAIL", op->index)) return fail_with(context, EIO, "test", "");
  return 0;
}

/* KRUN_TEST_STOP: the name of a point; whoever waits for the stop lets it go on by SIGCONT. */
void test_point(const char *name) {
  const char *wanted = getenv("KRUN_TEST_STOP");
  if (wanted != NULL && strcmp(wanted, name) == 0) raise(SIGSTOP);
}
#endif

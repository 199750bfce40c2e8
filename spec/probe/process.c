/* The process itself: its place among processes, arguments, environment, directory, umask, signals, personality. */
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

static void report_strings(const char *key, char **strings) {
  json_open(key, '[');
  for (; *strings; strings++) json_string(NULL, *strings);
  json_close(']');
}

/* A signal's number is reported if `is_in` says so; the two that libc keeps to itself are left out. */
static void report_signals(const char *key, int (*is_in)(int)) {
  json_open(key, '[');
  for (int number = 1; number <= SIGRTMAX; number++)
    if (is_in(number) == 1) json_number(NULL, number);
  json_close(']');
}

static int is_blocked(int number) {
  sigset_t blocked;
  return sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, number);
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void report_process(char **argv, char **environment) {
  mode_t mask = umask(0);
  umask(mask);
  json_number("pid", getpid());
  json_number("ppid", getppid());
  json_number("pgid", getpgid(0));
  json_number("sid", getsid(0));
  report_strings("argv", argv);
  report_strings("environment", environment);
  char *cwd = getcwd(NULL, 0);
  json_string("cwd", cwd);
  free(cwd);
  json_number("umask", mask);
  report_signals("blockedSignals", is_blocked);
  report_signals("ignoredSignals", is_ignored);
  json_number("personality", personality(0xffffffff));
}

/*
 * The witness inside the container: a static program that reports as JSON what it sees, by system calls where there are any,
 * so that a /proc that lies or is missing spoils little. usage:
 *   probe                        the report
 *   probe ACTION ARGUMENT…       one action (act.c) and its outcome
 *   probe ACTION … , ACTION …    several, as an array; "report" is one too
 */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

extern char **environ;

static void report(char **argv) {
  json_open(NULL, '{');
  report_descriptors();
  report_process(argv, environ);
  report_identity();
  report_limits();
  report_scheduling();
  report_namespaces();
  report_mounts();
  report_devices();
  json_close('}');
}

static int run_action(int count, char **arguments, char **argv) {
  if (count == 0) return 2;
  if (strcmp(arguments[0], "report") != 0) return act(count, arguments);
  report(argv);
  return 0;
}

static int run_actions(int count, char **arguments, char **argv) {
  int status = 0, begin = 0;
  json_open(NULL, '[');
  for (int i = 0; i <= count; i++) {
    if (i < count && strcmp(arguments[i], ",") != 0) continue;
    status |= run_action(i - begin, arguments + begin, argv);
    begin = i + 1;
  }
  json_close(']');
  return status;
}

static int is_sequence(int count, char **arguments) {
  for (int i = 0; i < count; i++)
    if (strcmp(arguments[i], ",") == 0) return 1;
  return 0;
}

int main(int argc, char **argv) {
  int status = 0;
  if (argc <= 1)
    report(argv);
  else if (is_sequence(argc - 1, argv + 1))
    status = run_actions(argc - 1, argv + 1, argv);
  else
    status = run_action(argc - 1, argv + 1, argv);
  putchar('\n');
  return fflush(stdout) == 0 ? status : 1;
}

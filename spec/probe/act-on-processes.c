/* Actions on processes: raw system calls, signals, children, memory. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actions.h"
#include "json.h"

static long argument(const char *text) { return text && text[0] == '@' ? (long)(text + 1) : number(text); }

void call(char **arguments) {
  long a[6] = {0};
  for (int i = 0; i < 6 && arguments[i + 1]; i++) a[i] = argument(arguments[i + 1]);
  outcome(syscall(number(arguments[0]), a[0], a[1], a[2], a[3], a[4], a[5]));
}

void call_i386(char **arguments) {
#ifdef __x86_64__
  long a[3] = {0}, result;
  for (int i = 0; i < 3 && arguments[i + 1]; i++) a[i] = number(arguments[i + 1]);
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number(arguments[0])), "b"(a[0]), "c"(a[1]), "d"(a[2]) : "memory", "r8", "r9", "r10", "r11");
  result = (int)result;
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    result = -1;
  }
  outcome(result);
#else
  (void)arguments;
  errno = ENOSYS;
  outcome(-1);
#endif
}

/* Tells a test that it may go on; nothing but a line of its own, before the outcome. */
static void say_ready(void) {
  static const char line[] = "{\"ready\":true}\n";
  if (write(STDOUT_FILENO, line, sizeof line - 1) < 0) _exit(1);
}

void leave(char **arguments) { _exit((int)number(arguments[0])); }

void raise_signal(char **arguments) {
  int which = (int)number(arguments[0]);
  signal(which, SIG_DFL);
  outcome(kill(getpid(), which)); /* comes back only as PID 1 of its namespace, which the default action spares */
}

void wait_for_signal(char **arguments) {
  sigset_t set;
  int which = -1;
  sigemptyset(&set);
  for (char **one = arguments; *one; one++) sigaddset(&set, (int)number(*one));
  sigprocmask(SIG_BLOCK, &set, NULL);
  say_ready();
  int error = sigwait(&set, &which);
  json_number("signal", error == 0 ? which : -error);
}

void wait_for_end_of_input(char **arguments) {
  char ignored[4096];
  ssize_t length;
  (void)arguments;
  say_ready();
  while ((length = read(STDIN_FILENO, ignored, sizeof ignored)) > 0) continue;
  outcome(length);
}

static void idle(void) {
  setsid();
  for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
  for (int fd = 0; fd < 3; fd++) close(fd);
  for (;;) pause();
}

/* They hold neither our output nor our session, so that only the cgroup or the pid namespace ends them. */
void spam_children(char **arguments) {
  long wanted = number(arguments[0]), made = 0;
  pid_t child = 0;
  while (made < wanted && (child = fork()) > 0) made++;
  if (made < wanted && child == 0) idle();
  int error = errno;
  json_number("made", made);
  json_number("errno", made < wanted ? error : 0);
}

void allocate(char **arguments) {
  size_t size = (size_t)number(arguments[0]);
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return outcome(-1);
  for (size_t i = 0; i < size; i += 4096) ((volatile char *)memory)[i] = 1;
  outcome(0);
}

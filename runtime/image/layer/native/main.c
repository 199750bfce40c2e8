/*
 * dist/layer: unpacks a layer's entries into a directory, reads a directory for a layer, or empties one, as its one argument says.
 * Descriptor 3 is the directory. Nothing outside of it is reached, whatever the records name: each path is resolved below it, without
 * symbolic links. A program of its own, so that bin/krun, which goes into containers, has none of it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tree.h"

static void be_ready(void);
static void say(char kind, const char *syscall, const char *path, const char *detail);

int main(int argc, char **argv) {
  be_ready();
  const char *mode = argc == 2 ? argv[1] : "";
  if (strcmp(mode, "unpack") == 0) unpack_tree();
  else if (strcmp(mode, "read") == 0) read_tree();
  else if (strcmp(mode, "empty") == 0) empty_tree();
  else return 2;
  return 0;
}

/* Modes are the records'; a deep tree takes a descriptor a level; who has started us waits for the end. */
static void be_ready(void) {
  struct rlimit limit;
  if (getauxval(AT_SECURE) != 0) _exit(2);
  umask(0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

_Noreturn void fail(const char *syscall, const char *path, const char *detail) {
  say('F', syscall, path, detail);
  _exit(1);
}

void warn(const char *syscall, const char *path, const char *detail) { say('W', syscall, path, detail); }

/* On standard error, where reading has its records on standard output. Five words, each ended by a NUL. */
static void say(char kind, const char *syscall, const char *path, const char *detail) {
  char words[2 * PATH_MAX];
  int length = snprintf(words, sizeof words, "%c%c%d%c%s%c%.4095s%c%.1000s%c", kind, 0, errno, 0, syscall, 0, path, 0, detail, 0);
  for (int at = 0; at < length;) {
    ssize_t written = write(STDERR_FILENO, words + at, (size_t)(length - at));
    if (written < 0 && errno != EINTR) return;
    if (written > 0) at += (int)written;
  }
}

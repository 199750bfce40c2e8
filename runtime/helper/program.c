/* Finding the program as execvp(3) does, by the container's PATH, and before the container counts as created. */
#include "krun.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "diagnosis.h"

static int search(struct context *context, const char *name, const char *directories);
static int check_executable(const char *path);
static int fail_diagnosed(struct context *context, int error, const char *path);
static int keep(struct context *context, const char *path);

int op_find_program(struct context *context, const struct op_find_program *op) {
  if (strchr(op->name, '/') == NULL) return search(context, op->name, op->search_path);
  if (check_executable(op->name) < 0) return fail_diagnosed(context, errno, op->name);
  return keep(context, op->name);
}

/* A program that may not be executed is passed over for a later one, and is the answer if there is none. */
static int search(struct context *context, const char *name, const char *directories) {
  char denied[PATH_MAX] = "", path[PATH_MAX];
  int error = ENOENT;
  if (*name == '\0' || *directories == '\0') return fail_detail(context, ENOENT, "execve", name, "searched=1"); /* no PATH is not the current directory */
  for (const char *at = directories;; at++) {
    int length = (int)strcspn(at, ":");
    int needed = snprintf(path, sizeof path, "%.*s%s%s", length, at, length > 0 ? "/" : "./", name);
    if (needed > 0 && needed < (int)sizeof path) {
      if (check_executable(path) == 0) return keep(context, path);
      if (errno == EACCES && *denied == '\0') {
        memcpy(denied, path, (size_t)needed + 1);
        error = EACCES;
      }
    }
    at += length;
    if (*at == '\0') break;
  }
  if (error == EACCES) return fail_diagnosed(context, EACCES, denied);
  return fail_detail(context, ENOENT, "execve", name, "searched=1");
}

/* 0, or -1 with errno: EISDIR for a directory, where execve would only say EACCES. A seccomp profile may not know faccessat2. */
static int check_executable(const char *path) {
  struct stat file;
  if (stat(path, &file) < 0) return -1;
  if (S_ISREG(file.st_mode)) {
    int denied = (int)syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
    return denied < 0 && (errno == ENOSYS || errno == EPERM) ? (int)syscall(SYS_faccessat, AT_FDCWD, path, X_OK) : denied;
  }
  errno = S_ISDIR(file.st_mode) ? EISDIR : EACCES;
  return -1;
}

static int fail_diagnosed(struct context *context, int error, const char *path) {
  char facts[sizeof context->failure.detail];
  diagnose_program(path, facts, sizeof facts);
  return fail_detail(context, error, "execve", path, "%s", facts);
}

static int keep(struct context *context, const char *path) {
  if (strlen(path) >= sizeof context->program) return fail_with(context, ENAMETOOLONG, "execve", path);
  strcpy(context->program, path);
  return 0;
}

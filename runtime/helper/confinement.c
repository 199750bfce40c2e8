/*
 * What criu has restored took its rights from the images, which may have been tampered with on their way. Before it runs, none may have
 * more than the configuration gives (SECURITY.md F6). It cannot change them meanwhile: criu still keeps every process stopped.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "entries.h"
#include "rules.h"

#define MAX_DEPTH 64

static int check_tree(struct context *context, const struct op_check_confinement *op, int cgroup, int depth);
static int check_listed(struct context *context, const struct op_check_confinement *op, int procs);
static int check_process(struct context *context, const struct op_check_confinement *op, pid_t pid);
static bool is_criu(const struct context *context, pid_t pid, const char *status);
static int check_status(struct context *context, const struct op_check_confinement *op, pid_t pid, const char *status);
static int check_namespaces(struct context *context, const struct op_check_confinement *op, pid_t pid);
static uint64_t field(const char *status, const char *name, int base);

int op_check_confinement(struct context *context, const struct op_check_confinement *op) {
  if (check_process(context, op, context->init) < 0) return -1;
  if (op->cgroup == NO_SLOT) return 0;
  int cgroup = slot_fd(context, op->cgroup);
  return cgroup < 0 ? -1 : check_tree(context, op, cgroup, 0);
}

static int check_tree(struct context *context, const struct op_check_confinement *op, int cgroup, int depth) {
  if (depth == MAX_DEPTH) return fail_with(context, ELOOP, "openat2", "cgroup.procs");
  AUTO_CLOSE int procs = open_in_cgroup(cgroup, "cgroup.procs", O_RDONLY);
  if (procs < 0) return fail(context, "openat2", "cgroup.procs");
  if (check_listed(context, op, procs) < 0) return -1;
  struct entries entries;
  struct entry entry;
  int more;
  open_entries(&entries, cgroup);
  while ((more = next_directory(&entries, &entry)) > 0) {
    AUTO_CLOSE int child = open_in_cgroup(cgroup, entry.name, O_RDONLY | O_DIRECTORY);
    if (child < 0) return fail(context, "openat2", entry.name);
    if (check_tree(context, op, child, depth + 1) < 0) return -1;
  }
  return more < 0 ? fail(context, "getdents64", "") : 0;
}

static int check_listed(struct context *context, const struct op_check_confinement *op, int procs) {
  FILE *lines = fdopen(fcntl(procs, F_DUPFD_CLOEXEC, 3), "r");
  if (lines == NULL) return fail(context, "fdopen", "cgroup.procs");
  int result = 0, pid;
  while (result == 0 && fscanf(lines, "%d", &pid) == 1)
    if (pid > 0) result = check_process(context, op, (pid_t)pid);
  fclose(lines);
  return result;
}

static int check_process(struct context *context, const struct op_check_confinement *op, pid_t pid) {
  char path[64], status[8192];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(context, "open", path);
  ssize_t length = read(fd, status, sizeof status - 1);
  if (length <= 0) return fail(context, "read", path);
  status[length] = '\0';
  if (!RULE(RESTORED_CONFINED) || is_criu(context, pid, status)) return 0;
  return check_status(context, op, pid, status) < 0 ? -1 : check_namespaces(context, op, pid);
}

/* It works in the same cgroup, with children of its own. What it restores descends from init, our own child, whatever the images say. */
static bool is_criu(const struct context *context, pid_t pid, const char *status) {
  return context->child != context->init && (pid == context->child || field(status, "\nPPid:", 10) == (uint64_t)context->child);
}

/* What is not to be found counts as everything, and as no. */
static int check_status(struct context *context, const struct op_check_confinement *op, pid_t pid, const char *status) {
  static const char *const sets[] = {"\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapBnd:", "\nCapAmb:"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    uint64_t found = strstr(status, sets[i]) == NULL ? UINT64_MAX : field(status, sets[i], 16);
    if ((found & ~op->capabilities) == 0) continue;
    return fail_detail(context, EPERM, "", "", "pid=%d set=%.6s has=%llx", pid, sets[i] + 1, (unsigned long long)found);
  }
  if (op->no_new_privileges && field(status, "\nNoNewPrivs:", 10) != 1) return fail_detail(context, EPERM, "", "", "pid=%d set=NoNewPrivs", pid);
  if (op->seccomp && field(status, "\nSeccomp:", 10) != 2) return fail_detail(context, EPERM, "", "", "pid=%d set=Seccomp", pid);
  return 0;
}

static int check_namespaces(struct context *context, const struct op_check_confinement *op, pid_t pid) {
  for (uint32_t i = 0; i < op->namespaces.count; i++) {
    const char *name = op->namespaces.items[i];
    char path[PATH_MAX], own[PATH_MAX];
    struct stat its, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    snprintf(own, sizeof own, "/proc/self/ns/%s", name);
    if (stat(path, &its) < 0) return fail(context, "stat", path);
    if (stat(own, &ours) < 0) return fail(context, "stat", own);
    if (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino) return fail_detail(context, EPERM, "", "", "pid=%d namespace=%s", pid, name);
  }
  return 0;
}

static uint64_t field(const char *status, const char *name, int base) {
  const char *at = strstr(status, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, base);
}

/* Numbers in the files of a cgroup: awaitChange for `krun events`, whenCounted for what ends a container. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cgroup.h"
#include "follow-up.h"
#include "signals.h"

#define MAX_WATCHED 8
#define VALUE_SIZE 32

struct watch {
  uint32_t count;
  struct pollfd files[MAX_WATCHED + 1]; /* the last one: signals that end us */
  char values[MAX_WATCHED][VALUE_SIZE];
};

static void open_watched(struct watch *watch, int cgroup, const struct op_await_change *op);
static void close_watched(struct watch *watch);
static bool has_changed(struct watch *watch, const struct op_await_change *op);
static void read_value(int fd, const char *key, char value[VALUE_SIZE]);
static int64_t now(void);

/* What has changed before we came is seen too: the values are those that the supervisor read. A cgroup that has gone has none. */
int op_await_change(struct context *context, const struct op_await_change *op) {
  __attribute__((cleanup(close_watched))) struct watch watch = {0};
  int cgroup = slot_empty(context, op->cgroup) ? -1 : context->slots[op->cgroup];
  if (op->files.count > MAX_WATCHED || op->keys.count != op->files.count || op->values.count != op->files.count)
    return fail_with(context, EINVAL, "poll", "");
  open_watched(&watch, cgroup, op);
  if (watch.files[watch.count].fd < 0) return fail(context, "signalfd", "");
  int64_t deadline = now() + op->milliseconds;
  while (!has_changed(&watch, op)) {
    int64_t left = deadline - now();
    if (left <= 0) break;
    if (poll(watch.files, watch.count + 1, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR) return fail(context, "poll", "");
    if (watch.files[watch.count].revents != 0) return refuse_interrupted(context);
  }
  for (uint32_t i = 0; i < watch.count; i++)
    if (hand_on(context, watch.values[i], strlen(watch.values[i]) + 1) < 0) return fail(context, "malloc", "");
  return 0;
}

/* A cgroup is new with its container: what it has counted, it has counted of that. */
int op_when_counted(struct context *context, const struct op_when_counted *op) {
  char text[MAX_WATCHED * VALUE_SIZE + 16];
  int cgroup = slot_empty(context, op->cgroup) ? -1 : context->slots[op->cgroup];
  if (op->files.count > MAX_WATCHED || op->keys.count != op->files.count) return fail_with(context, EINVAL, "openat2", "");
  if (cgroup < 0 || context->exit_status == 0) return 0;
  bool counted = false;
  size_t length = (size_t)snprintf(text, sizeof text, "%d", context->exit_status) + 1;
  for (uint32_t i = 0; i < op->files.count; i++) {
    AUTO_CLOSE int file = open_in_cgroup(cgroup, op->files.items[i], O_RDONLY);
    read_value(file, op->keys.items[i], text + length);
    if (text[length] != '\0' && strcmp(text + length, "0") != 0) counted = true;
    length += strlen(text + length) + 1;
  }
  if (!counted) return 0;
  return hand_on(context, text, length) < 0 ? fail(context, "malloc", "") : run_program(context, &op->program);
}

/* poll(2) passes over -1, the descriptor of a file that is not there. */
static void open_watched(struct watch *watch, int cgroup, const struct op_await_change *op) {
  watch->count = op->files.count;
  for (uint32_t i = 0; i < watch->count; i++)
    watch->files[i] = (struct pollfd){.fd = cgroup < 0 ? -1 : open_in_cgroup(cgroup, op->files.items[i], O_RDONLY), .events = POLLPRI};
  watch->files[watch->count] = (struct pollfd){.fd = open_interrupts(), .events = POLLIN};
}

static void close_watched(struct watch *watch) {
  for (uint32_t i = 0; i <= watch->count; i++) close_descriptor(&watch->files[i].fd);
}

/* Reads all of them: that is also what makes the next poll wait. */
static bool has_changed(struct watch *watch, const struct op_await_change *op) {
  bool changed = false;
  for (uint32_t i = 0; i < watch->count; i++) {
    read_value(watch->files[i].fd, op->keys.items[i], watch->values[i]);
    if (strncmp(watch->values[i], op->values.items[i], VALUE_SIZE) != 0) changed = true;
  }
  return changed;
}

/* The value of the line "key value"; "" when there is none, or the cgroup has gone. */
static void read_value(int fd, const char *key, char value[VALUE_SIZE]) {
  char text[1024];
  size_t length = strlen(key);
  value[0] = '\0';
  ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
  if (got < 0) return;
  text[got] = '\0';
  for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, key, length) != 0 || line[length] != ' ') continue;
    size_t size = strcspn(line + length + 1, "\n");
    if (size >= VALUE_SIZE) return;
    memcpy(value, line + length + 1, size);
    value[size] = '\0';
    return;
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

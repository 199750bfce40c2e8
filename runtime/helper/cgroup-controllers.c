/* Enabling controllers for the children of a cgroup: the file cgroup.subtree_control. */
#include <stdio.h>

#include "cgroup.h"

struct state {
  char available[256];
  char enabled[256];
};

static bool has_word(const char *words, const char *word);
static bool holds_processes(int ancestor);
static enum outcome refuse_occupied(struct context *context, const char *required, int ancestor, const char *name);
static enum outcome check_required(struct context *context, const struct strings *required, const struct state *state, const char *name);
static void batch(const struct strings *controllers, const struct state *state, char *text, size_t size);
static enum outcome one_by_one(struct context *context, const struct op_create_cgroup *op, const struct state *state, int ancestor, const char *name);
static enum outcome explain(struct context *context, const char *controller, int ancestor, const char *name);

enum outcome enable_controllers(struct context *context, const struct op_create_cgroup *op, int ancestor, const char *name) {
  if (op->required.count + op->wanted.count == 0) return DONE;
  struct state state;
  if (read_cgroup_file(ancestor, "cgroup.controllers", state.available, sizeof state.available) < 0 ||
      read_cgroup_file(ancestor, "cgroup.subtree_control", state.enabled, sizeof state.enabled) < 0) {
    if (is_gone(errno)) return GONE;
    (void)fail(context, "read", name);
    return REFUSED;
  }
  enum outcome outcome = check_required(context, &op->required, &state, name);
  if (outcome != DONE) return outcome;
  char required[512] = "", wanted[512] = "", text[1024];
  batch(&op->required, &state, required, sizeof required);
  batch(&op->wanted, &state, wanted, sizeof wanted);
  if (required[0] + wanted[0] != 0 && holds_processes(ancestor)) {
    if (required[0] != '\0') return refuse_occupied(context, required, ancestor, name);
    wanted[0] = '\0';
  }
  snprintf(text, sizeof text, "%s %s", required, wanted);
  if (text[1] == '\0' || write_cgroup_text(ancestor, "cgroup.subtree_control", text) == 0) return DONE;
  return is_gone(errno) ? GONE : one_by_one(context, op, &state, ancestor, name);
}

static enum outcome check_required(struct context *context, const struct strings *required, const struct state *state, const char *name) {
  for (uint32_t i = 0; i < required->count; i++) {
    if (has_word(state->available, required->items[i])) continue;
    (void)fail_detail(context, ENOENT, "read", name, "controller=%s file=cgroup.controllers", required->items[i]);
    return REFUSED;
  }
  return DONE;
}

static bool has_word(const char *words, const char *word) {
  size_t size = strlen(word);
  for (const char *at = words; (at = strstr(at, word)) != NULL; at += size) {
    bool begins = at == words || at[-1] == ' ';
    if (begins && (at[size] == ' ' || at[size] == '\n' || at[size] == '\0')) return true;
  }
  return false;
}

/*
 * None must be enabled where processes are: cpu and pids could be, but that makes the cgroup the root of a threaded subtree (cgroups(7)),
 * and our container threaded. The root of all has no type, and may hold processes.
 */
static bool holds_processes(int ancestor) {
  char type[32], processes[16];
  if (read_cgroup_file(ancestor, "cgroup.type", type, sizeof type) < 0 || strcmp(type, "domain\n") != 0) return false;
  return read_cgroup_file(ancestor, "cgroup.procs", processes, sizeof processes) > 0;
}

/* Append "+memory +pids" for those that are there and not enabled yet. */
static void batch(const struct strings *controllers, const struct state *state, char *text, size_t size) {
  for (uint32_t i = 0; i < controllers->count; i++) {
    const char *controller = controllers->items[i];
    size_t used = strlen(text);
    if (!has_word(state->available, controller) || has_word(state->enabled, controller)) continue;
    if (used + strlen(controller) + 3 > size) return; /* the ones by one come to it */
    snprintf(text + used, size - used, "%s+%s", used > 0 ? " " : "", controller);
  }
}

/* The kernel takes a batch whole or not at all; a wanted controller that it refuses must not cost us a required one. */
static enum outcome one_by_one(struct context *context, const struct op_create_cgroup *op, const struct state *state, int ancestor, const char *name) {
  uint32_t count = op->required.count + (holds_processes(ancestor) ? 0 : op->wanted.count);
  for (uint32_t i = 0; i < count; i++) {
    bool required = i < op->required.count;
    const char *controller = required ? op->required.items[i] : op->wanted.items[i - op->required.count];
    char text[64];
    if (!has_word(state->available, controller) || has_word(state->enabled, controller)) continue;
    snprintf(text, sizeof text, "+%.60s", controller);
    if (write_cgroup_text(ancestor, "cgroup.subtree_control", text) == 0) continue;
    if (is_gone(errno)) return GONE;
    if (required) return explain(context, controller, ancestor, name);
  }
  return DONE;
}

/* As the kernel does for memory; after cpu or pids it would say that the cgroup is threaded, and leave it so. */
static enum outcome refuse_occupied(struct context *context, const char *required, int ancestor, const char *name) {
  char controller[64];
  snprintf(controller, sizeof controller, "%.*s", (int)strcspn(required + 1, " "), required + 1);
  errno = EBUSY;
  return explain(context, controller, ancestor, name);
}

/* EBUSY: a cgroup other than the root holds processes, or controllers for its children, never both (cgroups(7)). */
static enum outcome explain(struct context *context, const char *controller, int ancestor, const char *name) {
  int error = errno;
  char processes[128];
  list_processes(ancestor, processes, sizeof processes);
  (void)fail_detail(context, error, "write", name, "controller=%.60s file=cgroup.subtree_control pids=%s", controller, processes);
  return REFUSED;
}

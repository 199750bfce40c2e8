/* Directories of the host's that the caller names: where a checkpoint is kept. */
#include <stdio.h>
#include <sys/stat.h>

#include "krun.h"

static int make_directories(const char *path);

int op_open_host_directory(struct context *context, const struct op_open_host_directory *op) {
  if (op->create && make_directories(op->path) < 0) return fail(context, "mkdir", op->path);
  AUTO_CLOSE int directory = open(op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return fail(context, "open", op->path);
  return slot_store(context, op->directory, steal_fd(&directory));
}

/* The descriptor keeps its place in the program that is executed next. */
int op_place_descriptor(struct context *context, const struct op_place_descriptor *op) {
  int descriptor = slot_fd(context, op->descriptor);
  if (descriptor < 0) return -1;
  if ((uint32_t)context->line == op->number || (uint32_t)descriptor == op->number) return fail_with(context, EBUSY, "dup2", "");
  return dup2(descriptor, (int)op->number) < 0 ? fail(context, "dup2", "") : 0;
}

/* A checkpoint holds the memory of processes: it is nobody else's to read. */
static int make_directories(const char *path) {
  char text[PATH_MAX];
  if (strlen(path) >= sizeof text) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(text, path);
  for (char *at = text + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
    *at = '\0';
    if (mkdir(text, 0700) < 0 && errno != EEXIST) return -1;
  }
  return mkdir(text, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

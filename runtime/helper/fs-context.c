#include "fs-context.h"

#include <stdio.h>

#include "mount-api.h"

static int configure_layers(struct filesystem *filesystem, const char *layers);
static const char *take_layer(const char *layers, char *layer);
static int refuse(const struct filesystem *filesystem, const char *syscall, const char *what);
static void read_log(int fd, char *text, size_t size);

void close_filesystem(struct filesystem *filesystem) {
  close_descriptor(&filesystem->fd);
}

int open_filesystem(struct filesystem *filesystem) {
  filesystem->fd = sys_fsopen(filesystem->type);
  if (filesystem->fd >= 0) return 0;
  return fail_detail(filesystem->context, errno, "fsopen", filesystem->path, "type=%s", filesystem->type);
}

int configure(struct filesystem *filesystem, const char *option) {
  const char *equals = strchr(option, '=');
  if (equals == NULL) return sys_fsconfig(filesystem->fd, FSCONFIG_SET_FLAG, option, NULL) < 0 ? refuse(filesystem, "fsconfig", option) : 0;
  char key[LONGEST_OPTION + 1];
  size_t length = (size_t)(equals - option);
  if (length >= sizeof key) return errno = ENAMETOOLONG, refuse(filesystem, "fsconfig", option);
  memcpy(key, option, length);
  key[length] = 0;
  bool has_layers = strcmp(filesystem->type, "overlay") == 0 && strcmp(key, "lowerdir") == 0;
  if (has_layers && strlen(equals + 1) > LONGEST_OPTION) return configure_layers(filesystem, equals + 1);
  return configure_key(filesystem, key, equals + 1);
}

int configure_key(struct filesystem *filesystem, const char *key, const char *value) {
  if (strlen(value) > LONGEST_OPTION)
    return fail_detail(filesystem->context, ENAMETOOLONG, "fsconfig", filesystem->path, "type=%s option=%s length=%zu maximum=%d", filesystem->type, key,
                       strlen(value), LONGEST_OPTION);
  if (sys_fsconfig(filesystem->fd, FSCONFIG_SET_STRING, key, value) == 0) return 0;
  char option[2 * LONGEST_OPTION + 2];
  snprintf(option, sizeof option, "%s=%s", key, value);
  return refuse(filesystem, "fsconfig", option);
}

int mount_filesystem(struct filesystem *filesystem, uint64_t attributes) {
  if (sys_fsconfig(filesystem->fd, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) return refuse(filesystem, "fsconfig", "");
  int mount = sys_fsmount(filesystem->fd, (unsigned)attributes);
  return mount < 0 ? refuse(filesystem, "fsmount", "") : mount;
}

int reconfigure(struct filesystem *filesystem) {
  return sys_fsconfig(filesystem->fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0 ? refuse(filesystem, "fsconfig", "") : 0;
}

/* "a:b::c" is the layers a and b and the data-only layer c; the characters ':' and '\' are escaped by '\'. */
static int configure_layers(struct filesystem *filesystem, const char *layers) {
  char layer[PATH_MAX];
  bool data = false;
  while (*layers != 0) {
    if (*layers == ':') data = true, layers++;
    layers = take_layer(layers, layer);
    if (layers == NULL) return errno = ENAMETOOLONG, refuse(filesystem, "fsconfig", "lowerdir");
    if (configure_key(filesystem, data ? "datadir+" : "lowerdir+", layer) < 0) return -1;
  }
  return 0;
}

/* What follows the layer and its colon; NULL if the layer is too long. */
static const char *take_layer(const char *layers, char *layer) {
  size_t length = 0;
  for (; *layers != 0 && *layers != ':'; layers++) {
    if (*layers == '\\' && layers[1] != 0) layers++;
    if (length == PATH_MAX - 1) return NULL;
    layer[length++] = *layers;
  }
  layer[length] = 0;
  return *layers == ':' ? layers + 1 : layers;
}

static int refuse(const struct filesystem *filesystem, const char *syscall, const char *what) {
  int error = errno;
  char text[512];
  read_log(filesystem->fd, text, sizeof text);
  return fail_detail(filesystem->context, error, syscall, filesystem->path, "type=%s%s%.255s%s%s", filesystem->type, *what ? " option=" : "", what,
                     *text ? " kernel=" : "", text);
}

/* Each read(2) gives one message, as "e text"; ENODATA ends them. */
static void read_log(int fd, char *text, size_t size) {
  size_t length = 0;
  char message[256];
  ssize_t got;
  *text = 0;
  while ((got = read(fd, message, sizeof message - 1)) > 2) {
    message[got] = 0;
    message[strcspn(message, "\n")] = 0;
    int added = snprintf(text + length, size - length, "%s%s", length > 0 ? "; " : "", message + 2);
    length += (size_t)added;
    if (length >= size) return;
  }
}

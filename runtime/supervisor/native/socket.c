/*
 * What Node cannot do for a resident supervisor: accept without a stream around each connection, ask the kernel who is at the other end
 * (SO_PEERCRED), and learn of a changed mount table (poll(2) of mountinfo). A Node-API addon: system calls only, nothing is decided here.
 */
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

struct watch {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
};

static napi_value watch(napi_env env, napi_callback_info info);
static napi_value unwatch(napi_env env, napi_callback_info info);
static napi_value accept_next(napi_env env, napi_callback_info info);
static napi_value receive(napi_env env, napi_callback_info info);
static napi_value transmit(napi_env env, napi_callback_info info);
static napi_value is_changed(napi_env env, napi_callback_info info);
static int arm(struct watch *watch, napi_env env, napi_value function, int descriptor, int events);
static void on_ready(uv_poll_t *poll, int status, int events);
static void on_closed(uv_handle_t *handle);
static void arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
static int32_t integer(napi_env env, napi_value value);
static napi_value number(napi_env env, int64_t value);
static napi_value refuse(napi_env env, const char *call, int error);

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"watch", watch}, {"unwatch", unwatch}, {"accept", accept_next}, {"receive", receive}, {"transmit", transmit}, {"isChanged", is_changed},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}

/* watch(descriptor, events, callback): calls back whenever the descriptor is ready (1: to read, 2: to write), until unwatch. */
static napi_value watch(napi_env env, napi_callback_info info) {
  napi_value values[3], result;
  arguments(env, info, 3, values);
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return refuse(env, "malloc", ENOMEM);
  int error = arm(watch, env, values[2], integer(env, values[0]), integer(env, values[1]));
  if (error != 0) return refuse(env, "uv_poll", -error);
  napi_create_external(env, watch, NULL, NULL, &result);
  return result;
}

/* unwatch(watch): once, and before the descriptor is closed. */
static napi_value unwatch(napi_env env, napi_callback_info info) {
  napi_value values[1];
  void *data = NULL;
  arguments(env, info, 1, values);
  if (napi_get_value_external(env, values[0], &data) != napi_ok) return refuse(env, "unwatch", EINVAL);
  struct watch *watch = data;
  uv_poll_stop(&watch->poll);
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  return NULL;
}

/* accept(descriptor, peer): the next connection's descriptor and in peer its pid, uid and gid; -1 when none waits. */
static napi_value accept_next(napi_env env, napi_callback_info info) {
  napi_value values[2];
  void *peer;
  size_t length;
  struct ucred credentials = {0};
  socklen_t size = sizeof credentials;
  arguments(env, info, 2, values);
  int connection;
  do connection = accept4(integer(env, values[0]), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (connection < 0) return errno == EAGAIN ? number(env, -1) : refuse(env, "accept4", errno);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) credentials = (struct ucred){.pid = 0, .uid = UINT32_MAX, .gid = UINT32_MAX};
  if (napi_get_typedarray_info(env, values[1], NULL, &length, &peer, NULL, NULL) == napi_ok && length >= 3)
    memcpy(peer, (uint32_t[]){(uint32_t)credentials.pid, credentials.uid, credentials.gid}, 3 * sizeof(uint32_t));
  return number(env, connection);
}

/* receive(descriptor, bytes, offset): bytes read; 0 at the end or when the other side has gone; -1 when there is nothing yet. */
static napi_value receive(napi_env env, napi_callback_info info) {
  napi_value values[3];
  void *data;
  size_t length;
  arguments(env, info, 3, values);
  size_t offset = (size_t)integer(env, values[2]);
  if (napi_get_typedarray_info(env, values[1], NULL, &length, &data, NULL, NULL) != napi_ok || offset >= length) return refuse(env, "recv", EINVAL);
  ssize_t received = recv(integer(env, values[0]), (char *)data + offset, length - offset, MSG_DONTWAIT);
  if (received < 0) return number(env, errno == EAGAIN || errno == EINTR ? -1 : 0);
  return number(env, received);
}

/* transmit(descriptor, bytes, offset): bytes written; 0 when the other side has gone; -1 when it has to read first. */
static napi_value transmit(napi_env env, napi_callback_info info) {
  napi_value values[3];
  void *data;
  size_t length;
  arguments(env, info, 3, values);
  size_t offset = (size_t)integer(env, values[2]);
  if (napi_get_typedarray_info(env, values[1], NULL, &length, &data, NULL, NULL) != napi_ok || offset >= length) return refuse(env, "send", EINVAL);
  ssize_t sent = send(integer(env, values[0]), (char *)data + offset, length - offset, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return number(env, errno == EAGAIN || errno == EINTR ? -1 : 0);
  return number(env, sent);
}

/* isChanged(descriptor): whether an opened mountinfo says that mounts have changed since it was last asked (proc_pid_mountinfo(5)). */
static napi_value is_changed(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  arguments(env, info, 1, values);
  struct pollfd ready = {.fd = integer(env, values[0]), .events = POLLPRI};
  int count = poll(&ready, 1, 0);
  napi_get_boolean(env, count != 0, &result); /* a poll that fails tells nothing: changed */
  return result;
}

static int arm(struct watch *watch, napi_env env, napi_value function, int descriptor, int events) {
  uv_loop_t *loop;
  napi_value name;
  napi_get_uv_event_loop(env, &loop);
  int error = uv_poll_init(loop, &watch->poll, descriptor);
  if (error != 0) {
    free(watch);
    return error;
  }
  watch->env = env;
  watch->poll.data = watch;
  napi_create_string_utf8(env, "krun-socket", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, function, 1, &watch->callback);
  napi_async_init(env, NULL, name, &watch->context);
  error = uv_poll_start(&watch->poll, events, on_ready);
  if (error != 0) uv_close((uv_handle_t *)&watch->poll, on_closed);
  return error;
}

/* napi_make_callback runs the microtasks, so that what the callback has awaited goes on at once. */
static void on_ready(uv_poll_t *poll, int status, int events) {
  struct watch *watch = poll->data;
  napi_handle_scope scope;
  napi_value function, receiver, error;
  bool pending = false;
  (void)status, (void)events; /* what is wrong shows when the descriptor is used */
  napi_open_handle_scope(watch->env, &scope);
  napi_get_reference_value(watch->env, watch->callback, &function);
  napi_get_global(watch->env, &receiver);
  napi_make_callback(watch->env, watch->context, receiver, function, 0, NULL, NULL);
  if (napi_is_exception_pending(watch->env, &pending) == napi_ok && pending) {
    napi_get_and_clear_last_exception(watch->env, &error);
    napi_fatal_exception(watch->env, error);
  }
  napi_close_handle_scope(watch->env, scope);
}

static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  napi_handle_scope scope;
  napi_open_handle_scope(watch->env, &scope);
  napi_async_destroy(watch->env, watch->context);
  napi_delete_reference(watch->env, watch->callback);
  napi_close_handle_scope(watch->env, scope);
  free(watch);
}

static void arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
}

static int32_t integer(napi_env env, napi_value value) {
  int32_t result = -1;
  (void)napi_get_value_int32(env, value, &result);
  return result;
}

static napi_value number(napi_env env, int64_t value) {
  napi_value result;
  napi_create_int64(env, value, &result);
  return result;
}

static napi_value refuse(napi_env env, const char *call, int error) {
  char message[128] = {0};
  strncat(message, call, 32);
  strcat(message, ": ");
  strncat(message, strerror(error), 64);
  napi_throw_error(env, call, message);
  return NULL;
}

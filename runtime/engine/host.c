/* System calls as functions of JavaScript: a number below zero is -errno. node/host.ts is their other side. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

#define HOST(name) static JSValue host_##name(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
#define UNUSED (void)js, (void)self, (void)count, (void)arguments

static JSValue result_of(JSContext *js, int64_t result) { return JS_NewInt64(js, result < 0 ? -errno : result); }

static int32_t number_of(JSContext *js, JSValueConst value) {
  int32_t number = -1;
  JS_ToInt32(js, &number, value);
  return number;
}

/* Evaluates CALL with the string of an argument as `path`. */
#define WITH_PATH(argument, CALL) \
  UNUSED; \
  const char *path = JS_ToCString(js, argument); \
  if (path == NULL) return JS_EXCEPTION; \
  JSValue result = (CALL); \
  JS_FreeCString(js, path); \
  return result

HOST(access) { WITH_PATH(arguments[0], result_of(js, access(path, number_of(js, arguments[1])))); }
HOST(unlink) { WITH_PATH(arguments[0], result_of(js, unlink(path))); }
HOST(mkdir) { WITH_PATH(arguments[0], result_of(js, mkdir(path, (mode_t)number_of(js, arguments[1])))); }
HOST(open) { WITH_PATH(arguments[0], result_of(js, open(path, number_of(js, arguments[1]) | O_CLOEXEC, number_of(js, arguments[2])))); }

HOST(close) {
  UNUSED;
  return result_of(js, close(number_of(js, arguments[0])));
}

HOST(rename) {
  UNUSED;
  const char *from = JS_ToCString(js, arguments[0]), *to = JS_ToCString(js, arguments[1]);
  JSValue result = from == NULL || to == NULL ? JS_EXCEPTION : result_of(js, rename(from, to));
  JS_FreeCString(js, from);
  JS_FreeCString(js, to);
  return result;
}

static JSValue file_system_type(JSContext *js, const char *path) {
  struct statfs status;
  return statfs(path, &status) < 0 ? result_of(js, -1) : JS_NewInt64(js, (int64_t)status.f_type);
}
HOST(statfs) { WITH_PATH(arguments[0], file_system_type(js, path)); }

static JSValue status_of(JSContext *js, int outcome, const struct stat *status) {
  if (outcome < 0) return result_of(js, -1);
  const double values[] = {
    status->st_mode, status->st_uid, status->st_gid, (double)status->st_size, (double)status->st_ino, (double)status->st_dev, (double)status->st_rdev,
    (double)status->st_mtim.tv_sec * 1e3 + (double)status->st_mtim.tv_nsec / 1e6, (double)status->st_ctim.tv_sec * 1e3 + (double)status->st_ctim.tv_nsec / 1e6,
  };
  JSValue list = JS_NewArray(js);
  for (uint32_t i = 0; i < sizeof values / sizeof *values; i++) JS_SetPropertyUint32(js, list, i, JS_NewFloat64(js, values[i]));
  return list;
}
static struct stat status;
HOST(stat) { WITH_PATH(arguments[0], status_of(js, stat(path, &status), &status)); }
HOST(lstat) { WITH_PATH(arguments[0], status_of(js, lstat(path, &status), &status)); }
HOST(fstat) {
  UNUSED;
  return status_of(js, fstat(number_of(js, arguments[0]), &status), &status);
}

static JSValue link_of(JSContext *js, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof target);
  return length < 0 ? result_of(js, -1) : JS_NewStringLen(js, target, (size_t)length);
}
HOST(readlink) { WITH_PATH(arguments[0], link_of(js, path)); }

static JSValue real_path_of(JSContext *js, const char *path) {
  char *real = realpath(path, NULL);
  JSValue result = real == NULL ? result_of(js, -1) : JS_NewString(js, real);
  free(real);
  return result;
}
HOST(realpath) { WITH_PATH(arguments[0], real_path_of(js, path)); }

/* [name, type, name, type, …] */
static JSValue entries_of(JSContext *js, const char *path) {
  DIR *directory = opendir(path);
  if (directory == NULL) return result_of(js, -1);
  JSValue list = JS_NewArray(js);
  uint32_t length = 0;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    JS_SetPropertyUint32(js, list, length++, JS_NewString(js, entry->d_name));
    JS_SetPropertyUint32(js, list, length++, JS_NewInt32(js, entry->d_type));
  }
  closedir(directory);
  return list;
}
HOST(readdir) { WITH_PATH(arguments[0], entries_of(js, path)); }

static void free_bytes(JSRuntime *runtime, void *opaque, void *bytes) {
  (void)runtime, (void)opaque;
  free(bytes);
}

/* All that is left to read from a descriptor; files of procfs have no size. */
HOST(readAll) {
  UNUSED;
  int fd = number_of(js, arguments[0]);
  size_t length = 0, size = 16384;
  uint8_t *bytes = malloc(size);
  for (ssize_t got = 1; bytes != NULL && got != 0;) {
    if (length == size) bytes = realloc(bytes, size *= 2);
    if (bytes == NULL) break;
    got = read(fd, bytes + length, size - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      free(bytes);
      return result_of(js, -1);
    }
    length += (size_t)got;
  }
  return bytes == NULL ? JS_ThrowOutOfMemory(js) : JS_NewArrayBuffer(js, bytes, length, free_bytes, NULL, 0);
}

/* (descriptor, buffer, offset, length) */
HOST(read) {
  UNUSED;
  struct span span;
  if (!take_span(js, arguments + 1, &span)) return JS_EXCEPTION;
  return result_of(js, read(number_of(js, arguments[0]), span.bytes, span.length));
}
HOST(write) {
  UNUSED;
  struct span span;
  if (!take_span(js, arguments + 1, &span)) return JS_EXCEPTION;
  return result_of(js, write(number_of(js, arguments[0]), span.bytes, span.length));
}

HOST(exit) {
  UNUSED;
  _exit(number_of(js, arguments[0]));
}
HOST(pid) {
  UNUSED;
  return JS_NewInt32(js, getpid());
}
HOST(euid) {
  UNUSED;
  return JS_NewInt64(js, geteuid());
}
HOST(machine) {
  UNUSED;
  struct utsname names;
  return JS_NewString(js, uname(&names) < 0 ? "" : names.machine);
}

/* Nanoseconds of CLOCK_MONOTONIC. */
HOST(clock) {
  UNUSED;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return JS_NewBigInt64(js, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

#define ENTRY(name, count) JS_CFUNC_DEF(#name, count, host_##name)

JSValue make_host(JSContext *js) {
  static const JSCFunctionListEntry functions[] = {
    ENTRY(access, 2), ENTRY(unlink, 1), ENTRY(mkdir, 2), ENTRY(open, 3), ENTRY(close, 1), ENTRY(rename, 2), ENTRY(statfs, 1), ENTRY(stat, 1),
    ENTRY(lstat, 1), ENTRY(fstat, 1), ENTRY(readlink, 1), ENTRY(realpath, 1), ENTRY(readdir, 1), ENTRY(readAll, 1), ENTRY(read, 4), ENTRY(write, 4),
    ENTRY(exit, 1), ENTRY(pid, 0), ENTRY(euid, 0), ENTRY(machine, 0), ENTRY(clock, 0),
    JS_CFUNC_DEF("decodeUtf8", 3, decode_utf8), JS_CFUNC_DEF("decodeLatin1", 3, decode_latin1), JS_CFUNC_DEF("isUtf8", 3, is_utf8),
    JS_CFUNC_DEF("encodeUtf8", 1, encode_utf8), JS_CFUNC_DEF("readRequest", 0, read_request),
  };
  JSValue host = JS_NewObject(js);
  JS_SetPropertyFunctionList(js, host, functions, sizeof functions / sizeof *functions);
  return host;
}

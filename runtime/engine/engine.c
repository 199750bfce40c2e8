/* dist/engine: runs the supervisor's bundles, compiled to QuickJS's bytecode when they were built. What has no bytecode is Node's
   to run: this process becomes it.
   usage: engine DIRECTORY (of *.bin, start.cjs and node) */
#include "engine.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *directory;

static JSContext *new_context(void);
static JSValue require_bundle(JSContext *js, JSValueConst self, int count, JSValueConst *arguments);
static JSValue run_bundle(JSContext *js, const char *name);
static JSValue read_bytecode(JSContext *js, const char *name);
static void run_jobs(JSContext *js);
static _Noreturn void fail_with_exception(JSContext *js);

int main(int argc, char **argv) {
  if (argc != 2) fail("usage", "engine DIRECTORY");
  directory = argv[1];
  JSContext *js = new_context();
  if (JS_IsException(run_bundle(js, "start"))) fail_with_exception(js);
  run_jobs(js);
  return 0;
}

/* All but what evaluates source text. */
static JSContext *new_context(void) {
  JSContext *js = JS_NewContextRaw(new_runtime());
  if (js == NULL) fail("no memory", "");
  JS_AddIntrinsicBaseObjects(js);
  JS_AddIntrinsicDate(js);
  JS_AddIntrinsicRegExpCompiler(js);
  JS_AddIntrinsicRegExp(js);
  JS_AddIntrinsicJSON(js);
  JS_AddIntrinsicMapSet(js);
  JS_AddIntrinsicTypedArrays(js);
  JS_AddIntrinsicPromise(js);
  JSValue global = JS_GetGlobalObject(js);
  JS_SetPropertyStr(js, global, "krunHost", make_host(js));
  JS_SetPropertyStr(js, global, "require", JS_NewCFunction(js, require_bundle, "require", 1));
  return js;
}

/* require("./name.cjs"): the exports of a bundle that a start does not need. */
static JSValue require_bundle(JSContext *js, JSValueConst self, int count, JSValueConst *arguments) {
  (void)self, (void)count;
  const char *file = JS_ToCString(js, arguments[0]);
  if (file == NULL) return JS_EXCEPTION;
  char name[64] = "";
  sscanf(file, "./%63[a-z-].cjs", name);
  JS_FreeCString(js, file);
  JSValue exports = run_bundle(js, name);
  if (JS_IsUndefined(exports)) become_node(directory);
  return exports;
}

/* A bundle is a module without imports; its namespace. Undefined if there is no bytecode of that name. */
static JSValue run_bundle(JSContext *js, const char *name) {
  JSValue compiled = read_bytecode(js, name);
  if (JS_IsUndefined(compiled) || JS_IsException(compiled)) return compiled;
  JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
  if (JS_ResolveModule(js, compiled) < 0) return JS_EXCEPTION;
  JSValue done = JS_EvalFunction(js, compiled);
  if (JS_IsException(done)) return done;
  if (JS_PromiseState(js, done) == JS_PROMISE_REJECTED) return JS_Throw(js, JS_PromiseResult(js, done));
  return JS_GetModuleNamespace(js, module);
}

static JSValue read_bytecode(JSContext *js, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s.bin", directory, name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0) return JS_UNDEFINED;
  if (fstat(file, &status) < 0) fail(path, "cannot be read");
  const uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (bytes == MAP_FAILED) fail(path, "cannot be read");
  close(file);
  return JS_ReadObject(js, bytes, (size_t)status.st_size, JS_READ_OBJ_BYTECODE);
}

static void run_jobs(JSContext *js) {
  JSContext *of_job;
  int outcome;
  while ((outcome = JS_ExecutePendingJob(JS_GetRuntime(js), &of_job)) > 0) continue;
  if (outcome < 0) fail_with_exception(of_job);
}

static _Noreturn void fail_with_exception(JSContext *js) {
  const char *text = JS_ToCString(js, JS_GetException(js));
  fail("the supervisor", text == NULL ? "threw what cannot be shown" : text);
}

_Noreturn void fail(const char *what, const char *why) {
  dprintf(2, "krun: %s: %s\n", what, why);
  _exit(1);
}

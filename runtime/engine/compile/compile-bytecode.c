/* Build time only: a bundle → the bytecode that engine.c reads, without names of lines.
   usage: compile-bytecode SOURCE PRODUCT */
#include <stdio.h>
#include <stdlib.h>

#include "quickjs.h"

static char *read_file(const char *path, size_t *length);
static void write_file(const char *path, const uint8_t *bytes, size_t length);
static void fail(const char *what, const char *why);

int main(int argc, char **argv) {
  if (argc != 3) fail("usage", "compile-bytecode SOURCE PRODUCT");
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *js = JS_NewContext(runtime);
  JS_SetStripInfo(runtime, JS_STRIP_DEBUG);
  size_t length, size;
  const char *source = read_file(argv[1], &length);
  JSValue compiled = JS_Eval(js, source, length, argv[1], JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(compiled)) fail(argv[1], JS_ToCString(js, JS_GetException(js)));
  const uint8_t *bytecode = JS_WriteObject(js, &size, compiled, JS_WRITE_OBJ_BYTECODE);
  if (bytecode == NULL) fail(argv[1], JS_ToCString(js, JS_GetException(js)));
  write_file(argv[2], bytecode, size);
  return 0;
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) < 0) fail(path, "cannot be read");
  *length = (size_t)ftell(file);
  rewind(file);
  char *text = calloc(1, *length + 1);
  if (text == NULL || fread(text, 1, *length, file) != *length) fail(path, "cannot be read");
  fclose(file);
  return text;
}

static void write_file(const char *path, const uint8_t *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) fail(path, "cannot be written");
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "compile-bytecode: %s: %s\n", what, why);
  exit(1);
}

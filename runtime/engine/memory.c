/* The engine's allocator. A supervisor makes some ten thousand small objects and ends: small blocks come off the front of a mapping
   that is faulted in at once, and go back to the list of their size class. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "engine.h"

enum { STEP = 16, LARGEST = 1024, MAPPING = 256 * 1024, LARGEST_STACK = 4 * 1024 * 1024 };

/* Before each block; 16 bytes, so that blocks stay aligned. */
struct header {
  size_t size;
  struct header *next;
};

static struct header *free_blocks[LARGEST / STEP + 1];
static char *fresh, *fresh_end;

static size_t stack_size(void);
static void *allocate(JSMallocState *state, size_t size);
static void *resize(JSMallocState *state, void *block, size_t size);
static void *resize_large(void *block, size_t size);
static void release(JSMallocState *state, void *block);
static size_t usable_size(const void *block);
static struct header *take_small(size_t size);

JSRuntime *new_runtime(void) {
  static const JSMallocFunctions functions = {allocate, release, resize, usable_size};
  JSRuntime *runtime = JS_NewRuntime2(&functions, NULL);
  if (runtime == NULL) fail("no memory", "");
  JS_SetGCThreshold(runtime, 64u * 1024 * 1024); /* cycles are left to the kernel, unless an input is huge */
  JS_SetMaxStackSize(runtime, stack_size());
  return runtime;
}

/* Half of what the caller's limit allows: deep nesting is to be an exception, not a fault. */
static size_t stack_size(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur / 2 > LARGEST_STACK) return LARGEST_STACK;
  return (size_t)limit.rlim_cur / 2;
}

static void *allocate(JSMallocState *state, size_t size) {
  (void)state;
  if (size == 0) return NULL;
  size = (size + STEP - 1) & ~(size_t)(STEP - 1);
  struct header *block = size <= LARGEST ? take_small(size) : malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  block->size = size;
  return block + 1;
}

static struct header *take_small(size_t size) {
  struct header *block = free_blocks[size / STEP];
  if (block != NULL) {
    free_blocks[size / STEP] = block->next;
    return block;
  }
  if ((size_t)(fresh_end - fresh) < sizeof *block + size) {
    void *mapping = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (mapping == MAP_FAILED) return NULL;
    fresh = mapping;
    fresh_end = fresh + MAPPING;
  }
  block = (struct header *)fresh;
  fresh += sizeof *block + size;
  return block;
}

static void release(JSMallocState *state, void *block) {
  (void)state;
  if (block == NULL) return;
  struct header *header = (struct header *)block - 1;
  if (header->size > LARGEST) {
    free(header);
    return;
  }
  header->next = free_blocks[header->size / STEP];
  free_blocks[header->size / STEP] = header;
}

static void *resize(JSMallocState *state, void *block, size_t size) {
  if (block == NULL) return allocate(state, size);
  size_t present = usable_size(block);
  if (size != 0 && size <= present) return block;
  if (size != 0 && present > LARGEST) return resize_large(block, size);
  void *other = allocate(state, size);
  if (other == NULL && size != 0) return NULL;
  if (other != NULL) memcpy(other, block, present < size ? present : size);
  release(state, block);
  return other;
}

static void *resize_large(void *block, size_t size) {
  struct header *header = realloc((struct header *)block - 1, sizeof *header + size);
  if (header == NULL) return NULL;
  header->size = size;
  return header + 1;
}

static size_t usable_size(const void *block) { return block == NULL ? 0 : ((const struct header *)block - 1)->size; }

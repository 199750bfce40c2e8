#include "entries.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel lays it out: struct linux_dirent64 of getdents64(2). */
struct record {
  uint64_t inode;
  int64_t position;
  uint16_t length;
  uint8_t type;
  char name[];
};

static bool is_dot(const char *name);

void open_entries(struct entries *entries, int directory) {
  entries->directory = directory;
  entries->length = entries->offset = 0;
  (void)lseek(directory, 0, SEEK_SET); /* getdents64 tells what is wrong with the descriptor */
}

int next_entry(struct entries *entries, struct entry *entry) {
  for (;;) {
    if (entries->offset >= entries->length) {
      entries->offset = 0;
      entries->length = syscall(SYS_getdents64, entries->directory, entries->buffer, sizeof entries->buffer);
      if (entries->length <= 0) return (int)entries->length;
    }
    const struct record *record = (const struct record *)(const void *)(entries->buffer + entries->offset);
    entries->offset += record->length;
    if (is_dot(record->name)) continue;
    *entry = (struct entry){.name = record->name, .type = record->type};
    return 1;
  }
}

int next_directory(struct entries *entries, struct entry *entry) {
  int more;
  do more = next_entry(entries, entry);
  while (more > 0 && entry->type != DT_DIR);
  return more;
}

static bool is_dot(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

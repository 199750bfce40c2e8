/* Reading a directory without allocating: getdents64 into a buffer of the caller's. */
#pragma once
#include <stdint.h>

struct entries {
  int directory;
  long length;
  long offset;
  _Alignas(8) char buffer[4096];
};

struct entry {
  const char *name; /* valid until the next call */
  uint8_t type;     /* DT_* */
};

/* From the first entry of `directory`, whose position this moves. */
void open_entries(struct entries *entries, int directory);

/* The next entry but "." and ".."; 1, 0 at the end, -1 with errno. */
int next_entry(struct entries *entries, struct entry *entry);

/* The same of directories alone, of file systems that tell the type: the cgroups below a cgroup. */
int next_directory(struct entries *entries, struct entry *entry);

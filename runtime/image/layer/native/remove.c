#include <dirent.h>

#include "tree.h"

static int remove_children(int directory);
static void close_listing(DIR **listing);

int remove_entry(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0) return 0;
  if (errno != EISDIR) return -1;
  AUTO_CLOSE int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0 || remove_children(directory) < 0) return -1;
  return unlinkat(parent, name, AT_REMOVEDIR);
}

void empty_tree(void) {
  AUTO_CLOSE int directory = open_below(TREE, ".", O_RDONLY | O_DIRECTORY);
  if (directory < 0 || remove_children(directory) < 0) fail("unlinkat", "", "");
}

/* A directory that its owner may not list or change is made so that it can go. */
static int remove_children(int directory) {
  fchmod(directory, 0700);
  int listed = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listed < 0) return -1;
  __attribute__((cleanup(close_listing))) DIR *listing = fdopendir(listed);
  if (listing == NULL) return close(listed), -1;
  for (;;) {
    errno = 0;
    struct dirent *next = readdir(listing);
    if (next == NULL) return errno == 0 ? 0 : -1;
    if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0) continue;
    if (remove_entry(directory, next->d_name) < 0) return -1;
  }
}

static void close_listing(DIR **listing) {
  if (*listing != NULL) closedir(*listing);
}

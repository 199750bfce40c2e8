#include "inodes.h"

#include <stdlib.h>

struct slot {
  uint64_t device, inode, number; /* number 0: free */
};

static struct {
  struct slot *slots;
  uint64_t count, room; /* room is a power of two */
} table;

static struct slot *find(uint64_t device, uint64_t inode);
static bool grow(void);

uint64_t number_of_inode(uint64_t device, uint64_t inode, bool *seen) {
  if (table.count * 2 >= table.room && !grow()) return 0;
  struct slot *slot = find(device, inode);
  *seen = slot->number != 0;
  if (!*seen) *slot = (struct slot){.device = device, .inode = inode, .number = ++table.count};
  return slot->number;
}

bool is_numbered(uint64_t device, uint64_t inode) { return table.room > 0 && find(device, inode)->number != 0; }

/* Half of the slots are free at least. */
static struct slot *find(uint64_t device, uint64_t inode) {
  uint64_t at = (inode ^ device << 32) * 0x9E3779B97F4A7C15u >> 20;
  for (;; at++) {
    struct slot *slot = &table.slots[at & (table.room - 1)];
    if (slot->number == 0 || (slot->inode == inode && slot->device == device)) return slot;
  }
}

static bool grow(void) {
  struct slot *old = table.slots;
  uint64_t old_room = table.room;
  struct slot *slots = calloc(old_room == 0 ? 1024 : old_room * 2, sizeof *slots);
  if (slots == NULL) return false;
  table.slots = slots;
  table.room = old_room == 0 ? 1024 : old_room * 2;
  for (uint64_t i = 0; i < old_room; i++)
    if (old[i].number != 0) *find(old[i].device, old[i].inode) = old[i];
  free(old);
  return true;
}

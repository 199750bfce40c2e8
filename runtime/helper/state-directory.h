/* The state directory of a container, for those who open it. */
#pragma once

#include "krun.h"

/* Milliseconds. Who comes while another is at work waits for its turn. */
#define LOCK_PATIENCE 10000

/* The rule for ids in config (E_BAD_ID) once more. */
bool is_plain_name(const char *name);

/* -1 with errno. */
int open_root_directory(const char *path);

/* -1 and the failure in the context. */
int open_entry(struct context *context, int root, const char *id);

/* 0, or -1 with EWOULDBLOCK when the patience (milliseconds) is over. */
int wait_for_lock(int directory, int patience);

/* 1 if parent/name is still this directory, 0 if it is another or gone, -1 with errno. */
int is_same(int parent, const char *name, int directory);

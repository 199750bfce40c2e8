/* What ops hand on to the next question. */
#pragma once
#include "krun.h"

/* The largest that one answer may gather: with it the request stays below MAX_REQUEST. */
#define MAX_READ_INPUT (2u * 1024 * 1024)

/* Appends to what is handed on; 0, or -1 with errno. */
int hand_on(struct context *context, const void *data, size_t length);

/* Reads from a descriptor to its end and hands that on; 0, or -1 with errno, E2BIG beyond the limit. */
int hand_on_all(struct context *context, int fd, size_t limit);

/* What the last plan has handed on; the context no longer owns it. */
struct follow_up take_follow_up(struct context *context);

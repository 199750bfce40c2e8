/* askAgain and readInput: what one plan hands on to the next question. */
#include "follow-up.h"

#include <stdlib.h>

int op_ask_again(struct context *context, const struct op_ask_again *op) {
  context->follow_up.memo = op->memo;
  return 0;
}

int op_read_input(struct context *context, const struct op_read_input *op) {
  return hand_on_all(context, 0, op->limit) < 0 ? fail(context, "read", "") : 0;
}

int hand_on(struct context *context, const void *data, size_t length) {
  struct follow_up *follow_up = &context->follow_up;
  if (length > MAX_READ_INPUT - follow_up->length) {
    errno = E2BIG;
    return -1;
  }
  uint8_t *larger = realloc(follow_up->input, follow_up->length + length + 1);
  if (larger == NULL) return -1;
  memcpy(larger + follow_up->length, data, length);
  follow_up->input = larger;
  follow_up->length += length;
  return 0;
}

int hand_on_all(struct context *context, int fd, size_t limit) {
  char part[4096];
  for (size_t total = 0;;) {
    ssize_t length = read(fd, part, sizeof part);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return (int)length;
    total += (size_t)length;
    if (total > limit) {
      errno = E2BIG;
      return -1;
    }
    if (hand_on(context, part, (size_t)length) < 0) return -1;
  }
}

struct follow_up take_follow_up(struct context *context) {
  struct follow_up taken = context->follow_up;
  context->follow_up = (struct follow_up){0};
  return taken;
}

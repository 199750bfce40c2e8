#include "krun.h"

int op_sethostname(struct context *context, const struct op_sethostname *op) {
  return sethostname(op->name, strlen(op->name)) < 0 ? fail(context, "sethostname", "") : 0;
}

int op_setdomainname(struct context *context, const struct op_setdomainname *op) {
  return setdomainname(op->name, strlen(op->name)) < 0 ? fail(context, "setdomainname", "") : 0;
}

/* A session keyring of the container's own: it must not find the caller's keys in its own session. */
#include "krun.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "rules.h"

/* keyctl_setperm(3): search, for user, group and others. */
#define SEARCH_BY_OTHERS 0x00080808u

static long join_session_keyring(const char *name);
static int describe(long keyring, uid_t *owner, uint32_t *permissions);

int op_join_session_keyring(struct context *context, const struct op_join_session_keyring *op) {
  if (!RULE(SESSION_KEYRING)) return 0;
  long keyring = join_session_keyring(op->name);
  if (keyring < 0 && errno == ENOSYS) return 0; /* a kernel without keys has none to leak */
  if (keyring < 0) return fail(context, "keyctl", op->name);

  uid_t owner;
  uint32_t permissions;
  if (describe(keyring, &owner, &permissions) < 0) return fail_detail(context, errno, "keyctl", op->name, "operation=describe");
  /* Whoever made a searchable keyring of this name beforehand would share ours: take one without a name. A new one is searchable by nobody. */
  bool is_found = owner != geteuid() || (permissions & SEARCH_BY_OTHERS) != 0;
  if (RULE(FRESH_KEYRING) && is_found) return join_session_keyring(NULL) < 0 ? fail(context, "keyctl", op->name) : 0;
  /* `exec` joins it by its name, for which it must be searchable by user (in a user namespace: by others). */
  if (syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, permissions | op->permissions) < 0)
    return fail_detail(context, errno, "keyctl", op->name, "operation=setperm");
  return 0;
}

/* That of a container which already runs. Its name proves nothing: only the container's root may have made what has it, else take one without a name. */
int op_enter_session_keyring(struct context *context, const struct op_enter_session_keyring *op) {
  long keyring = join_session_keyring(op->name);
  if (keyring < 0 && errno == ENOSYS) return 0;
  if (keyring < 0) return fail(context, "keyctl", op->name);
  uid_t owner;
  uint32_t permissions;
  if (describe(keyring, &owner, &permissions) < 0) return fail_detail(context, errno, "keyctl", op->name, "operation=describe");
  if (owner != geteuid() && join_session_keyring(NULL) < 0) return fail(context, "keyctl", op->name);
  return 0;
}

static long join_session_keyring(const char *name) {
  return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
}

/* "keyring;uid;gid;permissions in hex;name" */
static int describe(long keyring, uid_t *owner, uint32_t *permissions) {
  char text[512];
  long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, keyring, text, sizeof text);
  if (length < 0) return -1;
  text[(size_t)length < sizeof text ? (size_t)length : sizeof text - 1] = '\0';
  unsigned uid, mask;
  if (sscanf(text, "keyring;%u;%*u;%x;", &uid, &mask) != 2) {
    errno = EPROTO;
    return -1;
  }
  *owner = uid;
  *permissions = mask;
  return 0;
}

/* Who the process is: session, user, groups, capabilities. Raw system calls: a libc may act on other threads, and we have none. */
#include "krun.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "rules.h"

#define LAST_POSSIBLE_CAPABILITY 63

struct capability_sets {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
};

static int read_capabilities(struct context *context, struct capability_sets *sets);
static int write_capabilities(struct context *context, const struct capability_sets *sets);

int op_setsid(struct context *context, const struct op_setsid *op) {
  (void)op;
  return RULE(OWN_SESSION) && setsid() < 0 ? fail(context, "setsid", "") : 0;
}

/* Not dumpable: a container's process can neither trace us nor look into our descriptors (CVE-2016-9962). */
int op_set_dumpable(struct context *context, const struct op_set_dumpable *op) {
  if (RULE(NON_DUMPABLE) && prctl(PR_SET_DUMPABLE, op->dumpable ? 1 : 0, 0, 0, 0) < 0) return fail(context, "prctl", "PR_SET_DUMPABLE");
  return 0;
}

int op_set_umask(struct context *context, const struct op_set_umask *op) {
  (void)context;
  if (RULE(UMASK)) umask(op->mask);
  return 0;
}

int op_drop_bounding_set(struct context *context, const struct op_drop_bounding_set *op) {
  for (unsigned capability = 0; capability <= LAST_POSSIBLE_CAPABILITY; capability++) {
    if (op->keep >> capability & 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return 0; /* beyond the last one of this kernel */
    int error = errno;
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0) continue; /* not ours to drop, and not there */
    return fail_detail(context, error, "prctl", "PR_CAPBSET_DROP", "capability=%u", capability);
  }
  return 0;
}

int op_keep_capabilities(struct context *context, const struct op_keep_capabilities *op) {
  (void)op;
  return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ? fail(context, "prctl", "PR_SET_KEEPCAPS") : 0;
}

/* (uid_t)-1 means "leave it" to the kernel: the process would stay root. */
int op_set_user(struct context *context, const struct op_set_user *op) {
  if (RULE(REAL_IDS) && (op->uid == UINT32_MAX || op->gid == UINT32_MAX))
    return fail_detail(context, EINVAL, op->uid == UINT32_MAX ? "setresuid" : "setresgid", "", "uid=%u\ngid=%u", op->uid, op->gid);
  bool set_groups = op->set_groups && (RULE(EMPTY_GROUPS) || op->groups.count > 0);
  if (set_groups && syscall(SYS_setgroups, (size_t)op->groups.count, op->groups.items) < 0) return fail(context, "setgroups", "");
  if (syscall(SYS_setresgid, op->gid, op->gid, op->gid) < 0) return fail_detail(context, errno, "setresgid", "", "gid=%u", op->gid);
  if (syscall(SYS_setresuid, op->uid, op->uid, op->uid) < 0) return fail_detail(context, errno, "setresuid", "", "uid=%u", op->uid);
  return 0;
}

/* What we do not have, we cannot give (config.md#linux-process: a runtime should not fail for it); what we set must then be what is. */
int op_set_capabilities(struct context *context, const struct op_set_capabilities *op) {
  struct capability_sets own, now;
  if (read_capabilities(context, &own) < 0) return -1;
  const struct capability_sets wanted = {
    .effective = op->effective & op->permitted & own.permitted,
    .permitted = op->permitted & own.permitted,
    .inheritable = RULE(INHERITABLE) ? op->inheritable & (own.permitted | own.inheritable) : own.inheritable,
  };
  if (write_capabilities(context, &wanted) < 0 || read_capabilities(context, &now) < 0) return -1;
  if (now.effective != wanted.effective || now.permitted != wanted.permitted || now.inheritable != wanted.inheritable)
    return fail_detail(context, EPERM, "capget", "", "effective=%llx\npermitted=%llx\ninheritable=%llx", (unsigned long long)now.effective,
                       (unsigned long long)now.permitted, (unsigned long long)now.inheritable);
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0) return fail(context, "prctl", "PR_SET_KEEPCAPS");
  return 0;
}

/* The kernel raises only what is both permitted and inheritable. */
int op_set_ambient(struct context *context, const struct op_set_ambient *op) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return fail(context, "prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
  for (unsigned capability = 0; capability <= LAST_POSSIBLE_CAPABILITY; capability++) {
    if (!(op->ambient >> capability & 1)) continue;
    int raised = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    if (raised < 0 && errno != EPERM && errno != EINVAL)
      return fail_detail(context, errno, "prctl", "PR_CAP_AMBIENT_RAISE", "capability=%u", capability);
  }
  return 0;
}

int op_set_no_new_privileges(struct context *context, const struct op_set_no_new_privileges *op) {
  (void)op;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail(context, "prctl", "PR_SET_NO_NEW_PRIVS") : 0;
}

static int read_capabilities(struct context *context, struct capability_sets *sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, data) < 0) return fail(context, "capget", "");
  sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
  sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
  sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
  return 0;
}

static int write_capabilities(struct context *context, const struct capability_sets *sets) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
    {(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
    {(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32), (uint32_t)(sets->inheritable >> 32)},
  };
  return syscall(SYS_capset, &header, data) < 0 ? fail(context, "capset", "") : 0;
}

/* Who the process is: ids, groups, capabilities, no_new_privs, seccomp, keyring. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "json.h"
#include "probe.h"

static void report_ids(const char *key, unsigned real, unsigned effective, unsigned saved, unsigned filesystem) {
  json_open(key, '{');
  json_number("real", real);
  json_number("effective", effective);
  json_number("saved", saved);
  json_number("filesystem", filesystem);
  json_close('}');
}

static void report_groups(void) {
  int count = getgroups(0, NULL);
  gid_t *groups = calloc((size_t)count + 1, sizeof *groups);
  count = getgroups(count, groups);
  json_open("groups", '[');
  for (int i = 0; i < count; i++) json_number(NULL, groups[i]);
  json_close(']');
  free(groups);
}

/* The bits that prctl(option, …, capability) answers 1 for. */
static uint64_t set_by_prctl(int option, unsigned long first) {
  uint64_t set = 0;
  for (unsigned long capability = 0; capability < 64; capability++) {
    int is_set = first ? prctl(option, first, capability, 0, 0) : prctl(option, capability, 0, 0, 0);
    if (is_set == 1) set |= UINT64_C(1) << capability;
  }
  return set;
}

static void report_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {0};
  json_open("capabilities", '{');
  if (syscall(SYS_capget, &header, data) == 0) {
    json_hex("effective", (uint64_t)data[1].effective << 32 | data[0].effective);
    json_hex("permitted", (uint64_t)data[1].permitted << 32 | data[0].permitted);
    json_hex("inheritable", (uint64_t)data[1].inheritable << 32 | data[0].inheritable);
  }
  json_hex("bounding", set_by_prctl(PR_CAPBSET_READ, 0));
  json_hex("ambient", set_by_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET));
  json_close('}');
}

static void report_keyring(void) {
  char description[512] = "";
  long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
  json_open("sessionKeyring", '{');
  json_number("id", id);
  json_number("errno", id < 0 ? errno : 0);
  if (id >= 0 && syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, description, sizeof description - 1) > 0)
    json_string("description", description);
  json_close('}');
}

void report_identity(void) {
  uid_t uid[3];
  gid_t gid[3];
  if (getresuid(&uid[0], &uid[1], &uid[2]) == 0) report_ids("uid", uid[0], uid[1], uid[2], (unsigned)setfsuid((uid_t)-1));
  if (getresgid(&gid[0], &gid[1], &gid[2]) == 0) report_ids("gid", gid[0], gid[1], gid[2], (unsigned)setfsgid((gid_t)-1));
  report_groups();
  report_capabilities();
  json_number("secureBits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  json_bool("noNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
  json_number("seccompMode", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
  json_number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  json_number("parentDeathSignal", ({ int number = -1; prctl(PR_GET_PDEATHSIG, &number, 0, 0, 0); number; }));
  report_keyring();
}

/* attachDeviceProgram: eBPF that decides which devices the processes of a cgroup may make, read and write. */
#include "krun.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "rules.h"

#define PROGRAM_NAME "krun_device"
#define MAX_PROGRAMS 64

/*
 * The kernel writes into what it is given, and a newer one writes further than these headers know (BPF_PROG_QUERY's revision, whatever
 * size it was told): always the whole union, zeroed, with room behind it.
 */
struct request {
  union bpf_attr attr;
  uint8_t room[256];
};

static int load(struct context *context, const struct bytes *program);
static int load_failed(struct context *context, struct request *request);
static int query(struct context *context, int cgroup, uint32_t ids[MAX_PROGRAMS]);
static int detach_ours(struct context *context, int cgroup, const uint32_t *ids, int count);
static bool is_ours(int program);
static int bpf(int command, struct request *request);
static bool is_untouched(const struct request *request, size_t size);
static int overrun(void);

/* A cgroup that was there before may hold the program of an earlier container; all that are attached would have to agree. */
int op_attach_device_program(struct context *context, const struct op_attach_device_program *op) {
  uint32_t before[MAX_PROGRAMS];
  int cgroup = slot_fd(context, op->cgroup);
  if (cgroup < 0) return -1;
  if (!RULE(DEVICE_PROGRAM)) return 0;
  int count = query(context, cgroup, before);
  if (count < 0) return -1;
  AUTO_CLOSE int program = load(context, &op->program);
  if (program < 0) return -1;
  struct request request = {0};
  request.attr.target_fd = (uint32_t)cgroup;
  request.attr.attach_bpf_fd = (uint32_t)program;
  request.attr.attach_type = BPF_CGROUP_DEVICE;
  request.attr.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, &request) < 0) return fail_detail(context, errno, "bpf", "", "command=BPF_PROG_ATTACH");
  return detach_ours(context, cgroup, before, count);
}

static int load(struct context *context, const struct bytes *program) {
  struct request request = {0};
  if (program->length == 0 || program->length % sizeof(struct bpf_insn) != 0)
    return fail_detail(context, EINVAL, "bpf", "", "command=BPF_PROG_LOAD bytes=%u", program->length);
  request.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  request.attr.insns = (uintptr_t)program->data;
  request.attr.insn_cnt = program->length / sizeof(struct bpf_insn);
  request.attr.license = (uintptr_t) "Apache-2.0";
  memcpy(request.attr.prog_name, PROGRAM_NAME, sizeof PROGRAM_NAME);
  int fd = bpf(BPF_PROG_LOAD, &request);
  return fd >= 0 ? fd : load_failed(context, &request);
}

/* Once more with the verifier's log, whose last lines say what it did not like. */
static int load_failed(struct context *context, struct request *request) {
  int error = errno;
  char log[16384] = "";
  request->attr.log_buf = (uintptr_t)log;
  request->attr.log_size = sizeof log;
  request->attr.log_level = 1;
  int fd = bpf(BPF_PROG_LOAD, request);
  if (fd >= 0) return fd;
  size_t length = strnlen(log, sizeof log - 1);
  log[length] = '\0';
  const char *end = length > 600 ? log + length - 600 : log;
  return fail_detail(context, error, "bpf", "", "command=BPF_PROG_LOAD instructions=%u log=%s", request->attr.insn_cnt, end);
}

static int query(struct context *context, int cgroup, uint32_t ids[MAX_PROGRAMS]) {
  struct request request = {0};
  request.attr.query.target_fd = (uint32_t)cgroup;
  request.attr.query.attach_type = BPF_CGROUP_DEVICE;
  request.attr.query.prog_ids = (uintptr_t)ids;
  request.attr.query.prog_cnt = MAX_PROGRAMS;
  if (bpf(BPF_PROG_QUERY, &request) < 0) return fail_detail(context, errno, "bpf", "", "command=BPF_PROG_QUERY");
  return (int)request.attr.query.prog_cnt;
}

static int detach_ours(struct context *context, int cgroup, const uint32_t *ids, int count) {
  for (int i = 0; i < count; i++) {
    struct request by_id = {0}, detach = {0};
    by_id.attr.prog_id = ids[i];
    AUTO_CLOSE int program = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
    if (program < 0 && errno == ENOENT) continue;
    if (program < 0) return fail_detail(context, errno, "bpf", "", "command=BPF_PROG_GET_FD_BY_ID");
    if (!is_ours(program)) continue;
    detach.attr.target_fd = (uint32_t)cgroup;
    detach.attr.attach_bpf_fd = (uint32_t)program;
    detach.attr.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, &detach) < 0 && errno != ENOENT) return fail_detail(context, errno, "bpf", "", "command=BPF_PROG_DETACH");
  }
  return 0;
}

/* Somebody else's program on the same cgroup, such as systemd's, stays. */
static bool is_ours(int program) {
  struct request request = {0};
  struct bpf_prog_info info = {0};
  request.attr.info.bpf_fd = (uint32_t)program;
  request.attr.info.info_len = sizeof info;
  request.attr.info.info = (uintptr_t)&info;
  return bpf(BPF_OBJ_GET_INFO_BY_FD, &request) == 0 && strcmp(info.name, PROGRAM_NAME) == 0;
}

/* BPF_PROG_LOAD gives a descriptor that is O_CLOEXEC, as all of bpf(2). EAGAIN: the verifier was interrupted by a signal. */
static int bpf(int command, struct request *request) {
  const size_t size = RULE(WHOLE_BPF_ATTR) ? sizeof request->attr : offsetof(union bpf_attr, query.prog_cnt) + 8;
  int result;
  do result = (int)syscall(SYS_bpf, command, &request->attr, size);
  while (result < 0 && errno == EAGAIN);
  return is_untouched(request, size) ? result : overrun();
}

/* In the build for tests: what lies behind the size that the kernel was told must be as it was. */
static bool is_untouched(const struct request *request, size_t size) {
#ifdef KRUN_TEST
  const uint8_t *bytes = (const uint8_t *)request;
  for (size_t i = size; i < sizeof *request; i++)
    if (bytes[i] != 0) return false;
#else
  (void)request;
  (void)size;
#endif
  return true;
}

static int overrun(void) {
  errno = EOVERFLOW;
  return -1;
}

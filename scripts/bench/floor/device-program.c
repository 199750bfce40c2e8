/* The device program of the default bundle: mknod of anything, use of the default devices, nothing else. */
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floor.h"

enum { ANY = -1, LIMIT = 96 };

struct program {
  struct bpf_insn code[LIMIT];
  unsigned length;
};

static void add(struct program *program, struct bpf_insn instruction) { program->code[program->length++] = instruction; }

/* r2 type, r3 access, r4 major, r5 minor; a mismatch jumps over the rest of the rule. */
static void allow(struct program *program, int access, int major, int minor) {
  struct bpf_insn tests[4], not_equal = {.code = BPF_JMP | BPF_JNE | BPF_K};
  unsigned count = 0;
  tests[count++] = (struct bpf_insn){.code = not_equal.code, .dst_reg = BPF_REG_2, .imm = BPF_DEVCG_DEV_CHAR};
  if (access != ANY) tests[count++] = (struct bpf_insn){.code = not_equal.code, .dst_reg = BPF_REG_3, .imm = access};
  if (major != ANY) tests[count++] = (struct bpf_insn){.code = not_equal.code, .dst_reg = BPF_REG_4, .imm = major};
  if (minor != ANY) tests[count++] = (struct bpf_insn){.code = not_equal.code, .dst_reg = BPF_REG_5, .imm = minor};
  for (unsigned i = 0; i < count; i++) {
    tests[i].off = (int16_t)(count - i - 1 + 2);
    add(program, tests[i]);
  }
  add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1});
  add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static void load(struct program *program, int to, int from, int offset) {
  add(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (uint8_t)to & 15, .src_reg = (uint8_t)from & 15, .off = (int16_t)offset});
}

static void write_program(struct program *program) {
  load(program, BPF_REG_3, BPF_REG_1, 0);
  add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_3});
  add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_2, .imm = 0xffff});
  add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_3, .imm = 16});
  load(program, BPF_REG_4, BPF_REG_1, 4);
  load(program, BPF_REG_5, BPF_REG_1, 8);
  allow(program, BPF_DEVCG_ACC_MKNOD, ANY, ANY);
  static const int devices[][2] = {{1, 3}, {1, 8}, {1, 7}, {5, 0}, {1, 5}, {1, 9}, {136, ANY}, {5, 2}};
  for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) allow(program, ANY, devices[i][0], devices[i][1]);
  add(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0});
  add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

void attach_device_program(int cgroup) {
  struct program program = {.length = 0};
  write_program(&program);
  union bpf_attr load = {
      .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
      .insns = (uintptr_t)program.code,
      .insn_cnt = program.length,
      .license = (uintptr_t) "Apache-2.0",
  };
  int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  check(fd, "bpf: load");
  union bpf_attr attach = {
      .target_fd = (uint32_t)cgroup,
      .attach_bpf_fd = (uint32_t)fd,
      .attach_type = BPF_CGROUP_DEVICE,
      .attach_flags = BPF_F_ALLOW_MULTI,
  };
  check(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "bpf: attach");
  close(fd);
}

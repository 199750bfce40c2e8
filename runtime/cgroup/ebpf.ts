// The few eBPF instructions that a device program needs (include/uapi/linux/bpf.h), little endian: x86_64 and arm64.

export interface Instruction {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
}

/** Opcodes: class, then operation and mode. */
export const opcodes = {
  loadWord: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  copy: 0xbf, // BPF_ALU64 | BPF_MOV | BPF_X
  set: 0xb7, // BPF_ALU64 | BPF_MOV | BPF_K
  and: 0x57, // BPF_ALU64 | BPF_AND | BPF_K
  exclusiveOr: 0xa7, // BPF_ALU64 | BPF_XOR | BPF_K
  orRegister: 0x4f, // BPF_ALU64 | BPF_OR | BPF_X
  shiftRight: 0x77, // BPF_ALU64 | BPF_RSH | BPF_K
  jumpIfEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  jumpUnlessEqual: 0x55, // BPF_JMP | BPF_JNE | BPF_K
  exit: 0x95, // BPF_JMP | BPF_EXIT
} as const;

export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, destination, source, offset, immediate }] of program.entries()) {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, destination | (source << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, immediate, true);
  }
  return bytes;
}

// Classic BPF, written from its end to its start: every jump leads forward, so its target is in place when the jump is written
// and its length is known. A label is an instruction's distance from the end of the program.

export type Label = number;

/** A program under construction: instruction n from the end is code[n], jt[n], jf[n], k[n] (struct sock_filter). */
export interface Assembler {
  readonly code: number[];
  readonly jt: number[];
  readonly jf: number[];
  readonly k: number[];
  /** Where a copy of (or a way to) an instruction was last written, for jumps that cannot reach the first one. */
  readonly nearest: Map<Label, Label>;
  readonly returns: Map<number, Label>;
}

/** A test of the accumulator. */
export type Test = 'equal' | 'greater' | 'greaterOrEqual';

/** BPF_MAXINSNS of linux/bpf_common.h. */
export const maximumLength = 4096;

const loadAbsolute = 0x20; // BPF_LD | BPF_W | BPF_ABS
const and = 0x54; // BPF_ALU | BPF_AND | BPF_K
const jump = 0x05; // BPF_JMP | BPF_JA
const tests = { equal: 0x15, greater: 0x25, greaterOrEqual: 0x35 } as const; // BPF_JMP | BPF_JEQ, BPF_JGT, BPF_JGE | BPF_K
const ret = 0x06; // BPF_RET | BPF_K
const longestJump = 255;

export function newAssembler(): Assembler {
  return { code: [], jt: [], jf: [], k: [], nearest: new Map(), returns: new Map() };
}

/** The place that returns `value`; written once, and copied by jumps that are too far from it. */
export function returnValue(assembler: Assembler, value: number): Label {
  const known = assembler.returns.get(value);
  if (known !== undefined) return known;
  const label = write(assembler, ret, value);
  assembler.returns.set(value, label);
  return label;
}

/** Load the 32 bits at `offset` of seccomp_data, and go on with what was written last. */
export function load(assembler: Assembler, offset: number): Label {
  return write(assembler, loadAbsolute, offset);
}

/** Keep only these bits of the accumulator, and go on with what was written last. */
export function mask(assembler: Assembler, bits: number): Label {
  return write(assembler, and, bits);
}

/** Compare the accumulator with `operand`, unsigned, and jump. */
export function branch(assembler: Assembler, test: Test, operand: number, whenTrue: Label, whenFalse: Label): Label {
  const no = reachable(assembler, whenFalse, 1); // the way to whenTrue may move it one further off
  const yes = reachable(assembler, whenTrue, 0);
  const label = write(assembler, tests[test], operand);
  assembler.jt[label] = label - yes - 1;
  assembler.jf[label] = label - no - 1;
  return label;
}

/** The finished program as struct sock_filter[], little endian. */
export function assemble({ code, jt, jf, k }: Assembler): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  for (let label = code.length - 1, at = 0; label >= 0; label--, at += 8) {
    view.setUint16(at, code[label] ?? 0, true);
    view.setUint8(at + 2, jt[label] ?? 0);
    view.setUint8(at + 3, jf[label] ?? 0);
    view.setUint32(at + 4, k[label] ?? 0, true);
  }
  return bytes;
}

// A label within reach of a conditional jump that is about to be written: 8 bits hold its length. What is written here is reached by
// that jump alone, since a conditional jump never falls through.
function reachable(assembler: Assembler, target: Label, reserve: number): Label {
  const limit = assembler.code.length - longestJump + reserve;
  if (target >= limit) return target;
  const near = assembler.nearest.get(target);
  if (near !== undefined && near >= limit) return near;
  const isReturn = assembler.code[target] === ret;
  const label = isReturn ? write(assembler, ret, assembler.k[target] ?? 0) : write(assembler, jump, assembler.code.length - target - 1);
  assembler.nearest.set(target, label);
  return label;
}

function write(assembler: Assembler, code: number, k: number): Label {
  const label = assembler.code.push(code) - 1;
  assembler.jt.push(0);
  assembler.jf.push(0);
  assembler.k.push(k);
  return label;
}

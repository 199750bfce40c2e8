// Runs a classic BPF program of seccomp's kind, as the kernel would (net/core/filter.c, kernel/seccomp.c).

/** struct seccomp_data without the instruction pointer. */
export interface SeccompData {
  readonly nr: number;
  readonly arch: number;
  readonly args: readonly bigint[];
}

export interface Run {
  readonly verdict: number;
  readonly instructions: number;
}

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** The value a program returns for a call, and how many instructions it took. Throws on what the kernel would not have accepted. */
export function runProgram(program: Uint8Array, data: SeccompData): Run {
  const instructions = disassemble(program);
  const input = inputOf(data);
  let accumulator = 0;
  let executed = 0;
  for (let at = 0; ; at++) {
    const instruction = instructions[at];
    if (instruction === undefined) throw new RangeError(`no instruction ${at}`);
    const { code, jt, jf, k } = instruction;
    executed++;
    if (code === 0x06) return { verdict: k, instructions: executed };
    if (code === 0x20) accumulator = input.getUint32(k, true);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else at += test(code, accumulator, k) ? jt : jf;
  }
}

/** The instructions of a program. The last one parsed is kept: tests run one program many times. */
export function disassemble(program: Uint8Array): readonly Instruction[] {
  if (last?.program === program) return last.instructions;
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const instructions: Instruction[] = [];
  for (let at = 0; at < program.byteLength; at += 8) {
    instructions.push({
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    });
  }
  last = { program, instructions };
  return instructions;
}

let last: { program: Uint8Array; instructions: readonly Instruction[] } | undefined;

function inputOf({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  for (const [index, argument] of args.entries()) view.setBigUint64(16 + 8 * index, argument, true);
  return view;
}

function test(code: number, accumulator: number, k: number): boolean {
  if (code === 0x15) return accumulator === k;
  if (code === 0x25) return accumulator > k;
  if (code === 0x35) return accumulator >= k;
  if (code === 0x45) return (accumulator & k) !== 0;
  throw new RangeError(`no such instruction: ${code}`);
}

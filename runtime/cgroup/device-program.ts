// linux.resources.devices → the eBPF program that the kernel asks whenever a process of the cgroup makes or opens a device
// (BPF_PROG_TYPE_CGROUP_DEVICE; struct bpf_cgroup_dev_ctx of include/uapi/linux/bpf.h).
import type { DeviceRule } from '../config/config.ts';
import { encodeProgram, type Instruction, opcodes } from './ebpf.ts';

/**
 * What every container may use, whatever its rules say (config-linux.md#default-devices and REFERENCE.md row 113): the default
 * devices, pseudo terminals, tun as runc has it, and making nodes, which alone opens nothing.
 */
export const implicitDeviceRules: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3], // null
    [1, 5], // zero
    [1, 7], // full
    [1, 8], // random
    [1, 9], // urandom
    [5, 0], // tty
    [5, 2], // ptmx
    [10, 200], // net/tun
  ].map(([major, minor]): DeviceRule => ({ allow: true, type: 'c', major: major as number, minor: minor as number, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/**
 * The program as bytes. Each of the wanted accesses (read, write, make) is decided by the last rule that covers it; what no rule
 * covers is denied, and one denied access denies the whole. `implicit` come after `rules`, so that they cannot be denied.
 */
export function compileDeviceProgram(rules: readonly DeviceRule[], implicit: readonly DeviceRule[] = implicitDeviceRules): Uint8Array {
  return encodeProgram(assemble([...rules, ...implicit]));
}

// Registers: r1 the context; r2 the accesses that are not decided yet; r3 type; r4 major; r5 minor; r6, r7 scratch; r0 the verdict.
// From the last rule to the first, so that the first that matches is the one that counts.
function assemble(rules: readonly DeviceRule[]): Instruction[] {
  const program = [
    instruction(opcodes.loadWord, { destination: 2, source: 1 }),
    instruction(opcodes.copy, { destination: 3, source: 2 }),
    instruction(opcodes.and, { destination: 3, immediate: 0xffff }),
    instruction(opcodes.shiftRight, { destination: 2, immediate: 16 }),
    instruction(opcodes.loadWord, { destination: 4, source: 1, offset: 4 }),
    instruction(opcodes.loadWord, { destination: 5, source: 1, offset: 8 }),
  ];
  for (const rule of rules.toReversed()) {
    const block = compileRule(rule);
    program.push(...block);
    if (matchesAll(rule)) return program; // the verifier refuses code that nothing reaches
  }
  return [...program, ...verdict(false)];
}

function compileRule(rule: DeviceRule): Instruction[] {
  const mask = accessMask(rule.access);
  const verdicts = rule.allow ? allow(mask) : deny(mask);
  const differences = [
    [3, rule.type === undefined || rule.type === 'a' ? null : deviceTypes[rule.type]],
    [4, numberOrAll(rule.major)],
    [5, numberOrAll(rule.minor)],
  ].filter((pair): pair is [number, number] => pair[1] !== null);
  if (differences.length === 0) return verdicts;
  return [
    ...differences.flatMap(difference),
    instruction(opcodes.jumpUnlessEqual, { destination: 6, immediate: 0, offset: verdicts.length }),
    ...verdicts,
  ];
}

// r6 is 0 if all is as wanted. Comparing r3 to r5 themselves would be shorter, but tell the verifier what is in them from there on: it
// would follow each such path to the end, and give up at some hundred rules.
function difference([register, wanted]: [number, number], index: number): Instruction[] {
  const into = index === 0 ? 6 : 7;
  return [
    instruction(opcodes.copy, { destination: into, source: register }),
    instruction(opcodes.exclusiveOr, { destination: into, immediate: wanted }),
    ...(index === 0 ? [] : [instruction(opcodes.orRegister, { destination: 6, source: 7 })]),
  ];
}

// Take what the rule allows from what is undecided; with nothing left all is allowed.
function allow(mask: number): Instruction[] {
  if (mask === everyAccess) return verdict(true);
  return [
    instruction(opcodes.and, { destination: 2, immediate: everyAccess & ~mask }),
    instruction(opcodes.jumpUnlessEqual, { destination: 2, immediate: 0, offset: 2 }),
    ...verdict(true),
  ];
}

function deny(mask: number): Instruction[] {
  if (mask === everyAccess) return verdict(false);
  return [
    instruction(opcodes.copy, { destination: 6, source: 2 }),
    instruction(opcodes.and, { destination: 6, immediate: mask }),
    instruction(opcodes.jumpIfEqual, { destination: 6, immediate: 0, offset: 2 }),
    ...verdict(false),
  ];
}

function verdict(allowed: boolean): Instruction[] {
  return [instruction(opcodes.set, { destination: 0, immediate: allowed ? 1 : 0 }), instruction(opcodes.exit, {})];
}

function matchesAll({ type, major, minor, access }: DeviceRule): boolean {
  const isAnyType = type === undefined || type === 'a';
  return isAnyType && numberOrAll(major) === null && numberOrAll(minor) === null && accessMask(access) === everyAccess;
}

const deviceTypes = { b: 1, c: 2 } as const; // BPF_DEVCG_DEV_BLOCK, _CHAR
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }; // BPF_DEVCG_ACC_MKNOD, _READ, _WRITE
const everyAccess = 7;

function accessMask(access: string): number {
  return [...access].reduce((mask, letter) => mask | (accessBits[letter] ?? 0), 0);
}

// -1 is written for "all" by some engines.
function numberOrAll(value: number | undefined): number | null {
  return value === undefined || value === -1 ? null : value;
}

function instruction(code: number, { destination = 0, source = 0, offset = 0, immediate = 0 }: Partial<Instruction>): Instruction {
  return { code, destination, source, offset, immediate };
}

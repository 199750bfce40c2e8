import test from 'ava';
import fc from 'fast-check';
import type { Seccomp, SyscallArgument } from '../../../runtime/config/config.ts';
import { compileSeccomp } from '../../../runtime/plan/seccomp/compile.ts';
import { disassemble, runProgram } from '../../support/bpf-simulator.ts';

// What a profile means, written down in the plainest way, against what the compiled program does.

const x86_64 = 0xc000003e;
const i386 = 0x40000003;
const allowed = 0x7fff0000;
const refused = 0x50001;

const interesting = [0n, 1n, 2n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, (1n << 32n) + 1n, 1n << 63n, (1n << 64n) - 1n];
const value = fc.oneof(fc.constantFrom(...interesting), fc.bigInt(0n, (1n << 64n) - 1n));
const operators = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}` as SyscallArgument['op']);
const argument = fc.record({ index: fc.integer({ min: 0, max: 5 }), value, valueTwo: value, op: fc.constantFrom(...operators) });
const conditions = fc.uniqueArray(argument, { minLength: 1, maxLength: 3, selector: ({ index }) => index });
const inputs = fc.array(fc.tuple(value, value, value, value, value, value), { minLength: 1, maxLength: 30 });

test('a call is allowed if and only if all conditions of some rule hold', (t) => {
  fc.assert(
    fc.property(fc.array(conditions, { minLength: 1, maxLength: 5 }), inputs, (rules, calls) => {
      const program = compileRules(rules);
      for (const args of calls) {
        const expected = rules.some((rule) => rule.every((condition) => holds(condition, args, 64)));
        t.is(runProgram(program, { nr: 0, arch: x86_64, args }).verdict, expected ? allowed : refused);
      }
    }),
  );
});

test('on a 32-bit architecture conditions compare the low 32 bits', (t) => {
  fc.assert(
    fc.property(fc.array(conditions, { minLength: 1, maxLength: 5 }), inputs, (rules, calls) => {
      const program = compileRules(rules);
      for (const args of calls) {
        const expected = rules.some((rule) => rule.every((condition) => holds(condition, args, 32)));
        t.is(runProgram(program, { nr: 3, arch: i386, args }).verdict, expected ? allowed : refused);
      }
    }),
  );
});

test('conditions of one rule on the same argument are alternatives', (t) => {
  fc.assert(
    fc.property(argument, argument, inputs, (one, other, calls) => {
      const rule = [one, { ...other, index: one.index }];
      const program = compileRules([rule]);
      for (const args of calls) {
        const expected = rule.some((condition) => holds(condition, args, 64));
        t.is(runProgram(program, { nr: 0, arch: x86_64, args }).verdict, expected ? allowed : refused);
      }
    }),
  );
});

test('every jump of a program leads into it, every way ends in a return, and no instruction but the allowed ones is used', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('read', 'mmap', 'socket', 'ioctl', 'bpf'), conditions), { maxLength: 60 }), (listed) => {
      const syscalls = listed.map(([name, args]) => ({ names: [name], action: 'SCMP_ACT_ALLOW' as const, args }));
      const compiled = compileSeccomp({ ...base, syscalls }, 'x86_64');
      const instructions = disassemble(compiled?.program ?? new Uint8Array());
      t.true(instructions.length > 0 && instructions.length <= 4096);
      t.is(instructions.at(-1)?.code, 0x06);
      for (const [at, { code, jt, jf, k }] of instructions.entries()) {
        t.true([0x06, 0x20, 0x54, 0x05, 0x15, 0x25, 0x35].includes(code), `${code}`);
        const furthest = code === 0x05 ? k : Math.max(jt, jf);
        t.true(at + 1 + furthest < instructions.length || code === 0x06);
        if (code === 0x20) t.true(k % 4 === 0 && k < 64);
      }
    }),
  );
});

const base: Pick<Seccomp, 'defaultAction' | 'architectures'> = {
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
};

function compileRules(rules: readonly SyscallArgument[][]): Uint8Array {
  const syscalls = rules.map((args) => ({ names: ['read'], action: 'SCMP_ACT_ALLOW' as const, args }));
  const compiled = compileSeccomp({ ...base, syscalls }, 'x86_64');
  if (compiled === null) throw new Error('nothing compiled');
  return compiled.program;
}

function holds({ index, op, value: datum, valueTwo = 0n }: SyscallArgument, args: readonly bigint[], bits: number): boolean {
  const actual = BigInt.asUintN(bits, args[index] ?? 0n);
  const wanted = BigInt.asUintN(bits, datum);
  if (op === 'SCMP_CMP_NE') return actual !== wanted;
  if (op === 'SCMP_CMP_LT') return actual < wanted;
  if (op === 'SCMP_CMP_LE') return actual <= wanted;
  if (op === 'SCMP_CMP_EQ') return actual === wanted;
  if (op === 'SCMP_CMP_GE') return actual >= wanted;
  if (op === 'SCMP_CMP_GT') return actual > wanted;
  return (actual & wanted) === (BigInt.asUintN(bits, valueTwo) & wanted);
}

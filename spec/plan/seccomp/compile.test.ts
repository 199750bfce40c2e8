import test, { type ExecutionContext } from 'ava';
import type { Seccomp, SeccompAction, SeccompFlag, Syscall, SyscallArgument } from '../../../runtime/config/config.ts';
import { KrunError } from '../../../runtime/errors/krun-error.ts';
import type { NativeArchitecture } from '../../../runtime/plan/seccomp/architectures.ts';
import { compileSeccomp } from '../../../runtime/plan/seccomp/compile.ts';
import { disassemble, runProgram } from '../../support/bpf-simulator.ts';
import { readProfile } from '../../support/seccomp-fixtures.ts';

const audit = { x86_64: 0xc000003e, x86: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028, s390x: 0x80000016 } as const;
const x32Bit = 0x40000000;
const [allow, killProcess, eperm, enosys] = [0x7fff0000, 0x80000000, 0x50001, 0x50026];
const all: Seccomp['architectures'] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

test('a profile without rules whose default is ALLOW is none', (t) => {
  t.is(compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW' }, 'x86_64'), null);
  t.is(compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', architectures: all, syscalls: [] }, 'x86_64'), null);
});

test('a profile without rules whose default is not ALLOW is a filter', (t) => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_LOG' };
  t.is(verdict(profile, audit.x86_64, 0), 0x7ffc0000);
  t.is(verdict(profile, audit.x86, 0), killProcess);
});

const notifying: readonly (readonly [readonly SeccompFlag[] | undefined, number])[] = [
  [undefined, 8 | 4],
  [[], 8],
  [['SECCOMP_FILTER_FLAG_TSYNC'], 8 | 1 | 16], // the kernel tells a thread that cannot follow by ESRCH, or refuses both together
  [['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_LOG'], 8 | 32 | 2],
];
for (const [given, bits] of notifying) {
  test(`with SCMP_ACT_NOTIFY ${given === undefined ? 'absent flags' : `flags [${given}]`} are ${bits} for the kernel`, (t) => {
    const rule: Syscall = { names: ['mount'], action: 'SCMP_ACT_NOTIFY' };
    t.is(compileSeccomp({ ...denying([rule]), ...(given && { flags: [...given] }) }, 'x86_64')?.flags, bits);
  });
}

const flags: readonly (readonly [readonly SeccompFlag[] | undefined, number])[] = [
  [undefined, 4],
  [[], 0],
  [['SECCOMP_FILTER_FLAG_TSYNC'], 1],
  [['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'], 6],
  [['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'], 0], // the kernel takes it with a listener only
];
for (const [given, bits] of flags) {
  test(`${given === undefined ? 'absent flags' : `flags [${given}]`} are ${bits} for the kernel`, (t) => {
    t.is(compileSeccomp({ ...denying([]), ...(given && { flags: [...given] }) }, 'x86_64')?.flags, bits);
  });
}

const actions: readonly (readonly [SeccompAction, number | undefined, number])[] = [
  ['SCMP_ACT_KILL', undefined, 0],
  ['SCMP_ACT_KILL_THREAD', undefined, 0],
  ['SCMP_ACT_KILL_PROCESS', undefined, 0x80000000],
  ['SCMP_ACT_TRAP', undefined, 0x30000],
  ['SCMP_ACT_ERRNO', undefined, 0x50001],
  ['SCMP_ACT_ERRNO', 0, 0x50000],
  ['SCMP_ACT_ERRNO', 4095, 0x50fff],
  ['SCMP_ACT_TRACE', undefined, 0x7ff00001],
  ['SCMP_ACT_TRACE', 65535, 0x7ff0ffff],
  ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
  ['SCMP_ACT_ALLOW', undefined, 0x7fff0000],
  ['SCMP_ACT_NOTIFY', undefined, 0x7fc00000],
];
for (const [action, errno, returned] of actions) {
  test(`${action}${errno === undefined ? '' : ` with ${errno}`} returns 0x${returned.toString(16)}, as a rule's action and as the default`, (t) => {
    const rule: Syscall = { names: ['read'], action, ...(errno !== undefined && { errnoRet: errno }) };
    t.is(verdict({ ...denying([rule]), defaultAction: 'SCMP_ACT_KILL' }, audit.x86_64, 0), returned);
    const byDefault: Seccomp = { defaultAction: action, ...(errno !== undefined && { defaultErrnoRet: errno }) };
    t.is(verdict({ ...byDefault, syscalls: [{ names: ['write'], action: 'SCMP_ACT_TRAP' }] }, audit.x86_64, 0), returned);
  });
}

test("the machine's own architecture is filtered whether it is listed or not", (t) => {
  for (const architectures of [undefined, [], ['SCMP_ARCH_X86'], ['SCMP_ARCH_AARCH64']] as const) {
    const profile: Seccomp = { ...denying([allowing('read')]), ...(architectures && { architectures: [...architectures] }) };
    t.is(verdict(profile, audit.x86_64, 0), allow);
    t.is(verdict(profile, audit.x86_64, 1), enosys);
  }
  t.is(verdict(denying([allowing('read')]), audit.aarch64, 63, [], 'aarch64'), allow);
});

test('a call of an architecture that is not listed, or that the machine cannot run, kills the process', (t) => {
  const profile = denying([allowing('read')]);
  t.is(verdict(profile, audit.x86, 3), killProcess);
  t.is(verdict({ ...profile, architectures: ['SCMP_ARCH_S390X', 'SCMP_ARCH_ARM'] }, audit.s390x, 3), killProcess);
  t.is(verdict({ ...profile, architectures: ['SCMP_ARCH_S390X', 'SCMP_ARCH_ARM'] }, audit.arm, 3), killProcess);
  t.is(verdict(profile, audit.arm, 3, [], 'aarch64'), killProcess);
});

test('an x32 call kills the process unless X32 is listed, even if all is allowed by default', (t) => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['ptrace'], action: 'SCMP_ACT_ERRNO' }] };
  for (const number of [0, 101, 521, 0x3fffffff, 0x7fffffff, 0xbffffffe])
    t.is(verdict(profile, audit.x86_64, x32Bit + number), killProcess);
  t.is(verdict(profile, audit.x86_64, 101), eperm);
  t.is(verdict({ ...profile, architectures: ['SCMP_ARCH_X32'] }, audit.x86_64, x32Bit + 521), eperm);
  t.is(verdict({ ...profile, architectures: ['SCMP_ARCH_X32'] }, audit.x86_64, x32Bit), allow);
});

test('-1 is no x32 call: a tracer skips calls by it', (t) => {
  t.is(
    verdict({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['ptrace'], action: 'SCMP_ACT_ERRNO' }] }, audit.x86_64, 0xffffffff),
    allow,
  );
  t.is(verdict(denying([allowing('read')]), audit.x86_64, 0xffffffff), enosys);
});

test('numbers differ by architecture, and each rule holds in all of them', (t) => {
  const profile = { ...denying([allowing('getpid')]), architectures: all };
  t.deepEqual(
    [verdict(profile, audit.x86_64, 39), verdict(profile, audit.x86_64, x32Bit + 39), verdict(profile, audit.x86, 20)],
    [allow, allow, allow],
  );
  t.deepEqual(
    [verdict(profile, audit.x86_64, 20), verdict(profile, audit.x86_64, x32Bit + 20), verdict(profile, audit.x86, 19)],
    [eperm, eperm, eperm],
  );
  const arm = { ...denying([allowing('getpid', 'set_tls')]), architectures: ['SCMP_ARCH_ARM' as const] };
  t.deepEqual(
    [
      verdict(arm, audit.aarch64, 172, [], 'aarch64'),
      verdict(arm, audit.arm, 20, [], 'aarch64'),
      verdict(arm, audit.arm, 0xf0005, [], 'aarch64'),
    ],
    [allow, allow, allow],
  );
});

test('a name that no table has is ignored', (t) => {
  t.is(verdict(denying([allowing('read', 'krun_nothing', 'constructor', '__proto__')]), audit.x86_64, 0), allow);
});

test('a call newer than the newest named answers ENOSYS, one in between the default', (t) => {
  const profile = { ...denying([allowing('read', 'openat2')]), architectures: all };
  for (const [arch, first] of [
    [audit.x86_64, 0],
    [audit.x86_64, x32Bit],
    [audit.x86, 0],
  ] as const) {
    t.is(verdict(profile, arch, first + 437), allow);
    t.is(verdict(profile, arch, first + 436), eperm);
    t.is(verdict(profile, arch, first + 438), enosys);
  }
});

test('the newest is the newest named at all, be it with the default action', (t) => {
  const profile = denying([allowing('read'), { names: ['openat2'], action: 'SCMP_ACT_ERRNO' }]);
  t.is(verdict(profile, audit.x86_64, 437), eperm);
  t.is(verdict(profile, audit.x86_64, 438), enosys);
});

test('nothing answers ENOSYS by itself if the default lets calls through, or names no call of the architecture', (t) => {
  for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) {
    t.not(verdict({ defaultAction, syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO' }] }, audit.x86_64, 600), enosys);
  }
  t.is(verdict(denying([]), audit.x86_64, 600), eperm);
  t.is(verdict(denying([allowing('krun_nothing')]), audit.x86_64, 600), eperm);
});

test('a rule without conditions beats those with, and the first such rule the later ones', (t) => {
  const conditional: Syscall = { names: ['read'], action: 'SCMP_ACT_TRAP', args: [argument(0, 'EQ', 0n)] };
  const trace: Syscall = { names: ['read'], action: 'SCMP_ACT_TRACE' };
  t.is(verdict(denying([conditional, allowing('read'), trace]), audit.x86_64, 0), allow);
  t.is(verdict(denying([allowing('read'), conditional]), audit.x86_64, 0), allow);
  t.is(verdict(denying([trace, allowing('read')]), audit.x86_64, 0), 0x7ff00001);
});

test("a rule with the default's action is none", (t) => {
  const refuse: Syscall = { names: ['read'], action: 'SCMP_ACT_ERRNO' };
  t.is(verdict(denying([refuse, { ...allowing('read'), args: [argument(0, 'EQ', 7n)] }]), audit.x86_64, 0, [7n]), allow);
  t.is(verdict(denying([{ ...refuse, errnoRet: 2 }, allowing('read')]), audit.x86_64, 0), 0x50002);
});

test('a mask of zero is no condition', (t) => {
  t.is(verdict(denying([{ ...allowing('read'), args: [argument(0, 'MASKED_EQ', 0n, 5n)] }]), audit.x86_64, 0, [9n]), allow);
});

test('rules of the same conditions and different actions contradict each other', (t) => {
  const args = [argument(0, 'EQ', 1n), argument(1, 'LT', 5n)];
  const rules: Syscall[] = [
    { names: ['read'], action: 'SCMP_ACT_ALLOW', args },
    { names: ['read'], action: 'SCMP_ACT_TRAP', args },
  ];
  expectError(t, denying(rules), 'E_SECCOMP', '/linux/seccomp/syscalls/1');
});

test('rules that differ only in what socketcall hides contradict each other where socketcall has no rule of its own', (t) => {
  const rules: Syscall[] = [
    { names: ['socket'], action: 'SCMP_ACT_TRAP', args: [argument(0, 'EQ', 16n)] },
    { ...allowing('socket'), args: [argument(0, 'NE', 16n)] },
  ];
  const profile: Seccomp = { ...denying(rules), architectures: ['SCMP_ARCH_X86'] };
  expectError(t, profile, 'E_SECCOMP', '/linux/seccomp/syscalls/1');
  t.is(verdict({ ...profile, syscalls: [allowing('socketcall'), ...rules] }, audit.x86, 102, [1n]), allow);
});

test('int arguments are compared without their high words, which the kernel drops', (t) => {
  const vsock = denying([{ ...allowing('socket'), args: [argument(0, 'NE', 40n)] }]);
  t.is(verdict(vsock, audit.x86_64, 41, [40n]), eperm);
  t.is(verdict(vsock, audit.x86_64, 41, [(1n << 32n) + 40n]), eperm);
  t.is(verdict(vsock, audit.x86_64, 41, [2n]), allow);
  const mask: Seccomp = { ...denying([{ ...allowing('read'), args: [argument(0, 'NE', 40n)] }]) };
  t.is(verdict(mask, audit.x86_64, 0, [(1n << 32n) + 40n]), allow, 'other arguments have 64 bits');
});

test('on x86 a rule for a call holds for socketcall and ipc as well', (t) => {
  const profile: Seccomp = { ...denying([allowing('bind', 'shmdt')]), architectures: ['SCMP_ARCH_X86'] };
  t.is(verdict(profile, audit.x86, 361), allow);
  t.is(verdict(profile, audit.x86, 102, [2n]), allow);
  t.is(verdict(profile, audit.x86, 102, [3n]), eperm);
  t.is(verdict(profile, audit.x86, 117, [22n]), allow);
  t.is(verdict(profile, audit.x86, 117, [0x10016n]), allow, "ipc's version is not part of the call");
  t.is(verdict(profile, audit.x86, 117, [21n]), eperm);
});

test("docker's default profile keeps read, write and futex within 13 instructions on every architecture", (t) => {
  for (const [native, arch, numbers] of [
    ['x86_64', audit.x86_64, [0, 1, 202, x32Bit, x32Bit + 1, x32Bit + 202]],
    ['x86_64', audit.x86, [3, 4, 240]],
    ['aarch64', audit.aarch64, [63, 64, 98]],
  ] as const) {
    const program = compileSeccomp(readProfile('docker'), native)?.program ?? new Uint8Array();
    for (const nr of numbers) {
      const run = runProgram(program, { nr, arch, args: [0n, 0n, 0n, 0n, 0n, 0n] });
      t.is(run.verdict, allow);
      t.true(run.instructions <= 13, `${native} ${nr}: ${run.instructions}`);
    }
  }
});

test('a program longer than the kernel takes is refused', (t) => {
  const rules = Array.from({ length: 1100 }, (_, value) => ({ ...allowing('read'), args: [argument(0, 'EQ', BigInt(value))] }));
  expectError(t, denying(rules), 'E_SECCOMP', '/linux/seccomp/syscalls');
});

test('jumps beyond 255 instructions are led on', (t) => {
  const names = ['read', 'write', 'open', 'close', 'stat', 'fstat'];
  const rules = names.flatMap((name, n) =>
    Array.from({ length: 100 }, (_, value) => ({
      names: [name],
      action: 'SCMP_ACT_ERRNO' as const,
      errnoRet: n + 1,
      args: [argument(5, 'EQ', BigInt(value))],
    })),
  );
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules };
  t.true(disassemble(compileSeccomp(profile, 'x86_64')?.program ?? new Uint8Array()).length > 2400);
  for (const [nr] of names.entries()) {
    for (const value of [0n, 42n, 99n]) t.is(verdict(profile, audit.x86_64, nr, [0n, 0n, 0n, 0n, 0n, value]), 0x50001 + nr);
    t.is(verdict(profile, audit.x86_64, nr, [0n, 0n, 0n, 0n, 0n, 100n]), allow);
  }
  t.is(verdict(profile, audit.x86, 0), killProcess);
});

function expectError(t: ExecutionContext, profile: Seccomp, code: string, pointer: string): void {
  const error = t.throws(() => compileSeccomp(profile, 'x86_64'), { instanceOf: KrunError, code });
  t.is(error?.pointer, pointer);
}

function denying(syscalls: Syscall[]): Seccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', syscalls };
}

function allowing(...names: string[]): Syscall {
  return { names, action: 'SCMP_ACT_ALLOW' };
}

function argument(index: number, op: string, value: bigint, valueTwo?: bigint): SyscallArgument {
  return { index, op: `SCMP_CMP_${op}` as SyscallArgument['op'], value, ...(valueTwo !== undefined && { valueTwo }) };
}

function verdict(profile: Seccomp, arch: number, nr: number, args: readonly bigint[] = [], native: NativeArchitecture = 'x86_64'): number {
  const compiled = compileSeccomp(profile, native);
  if (compiled === null) throw new Error('nothing compiled');
  return runProgram(compiled.program, { nr, arch, args: [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) }).verdict;
}

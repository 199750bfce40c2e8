import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Seccomp, SeccompAction, SyscallArgument } from '../../../runtime/config/config.ts';
import { compileSeccomp } from '../../../runtime/plan/seccomp/compile.ts';
import { disassemble } from '../../support/bpf-simulator.ts';
import { readProfile } from '../../support/seccomp-fixtures.ts';
import { skipUnless } from '../../support/skip.ts';

// The programs at work: a C program installs them and makes calls.

const native = process.arch === 'x64' ? 'x86_64' : 'aarch64';
const [EPERM, EBADF, EFAULT, ENOSYS] = ['errno 1', 'errno 9', 'errno 14', 'errno 38'];
const sigsys = 'signal 31';
const directory = mkdtempSync(join(tmpdir(), 'krun-seccomp-'));
const probe = join(directory, 'probe');
const source = new URL('../../support/seccomp-probe.c', import.meta.url).pathname;
const isBuilt = spawnSync('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', probe, source]).status === 0;
const hasI386 = native === 'x86_64' && isBuilt && makeCalls(allowAll(), ['i386:20'])[0] === 'ok';

test.after.always(() => rmSync(directory, { recursive: true }));

test("docker's default profile gives the kernel's own answers", (t) => {
  if (skipUnless(t, 'gcc', isBuilt) || skipUnless(t, 'x86_64', native === 'x86_64')) return;
  expectAnswers(t, readProfile('docker'), [
    ['native:39', 'ok'], // getpid
    ['native:165', EPERM], // mount; unfiltered it is EFAULT
    ['native:435', ENOSYS], // clone3, by the profile's errnoRet
    ['native:600', ENOSYS], // newer than the profile
    ['native:-1', ENOSYS],
    ['native:56:0x10000000', EPERM], // clone, CLONE_NEWUSER
    ['native:56:0x110000000', EPERM],
    ['native:135:0xffffffff', 'ok'], // personality
    ['native:135:0xffffffffffffffff', 'ok'],
    ['native:135:0x40000', EPERM],
    ['native:41:40:1:0', EPERM], // socket, AF_VSOCK
    ['native:41:0x100000028:1:0', EPERM],
    ['native:41:1:1:0', 'ok'],
  ]);
});

test('a call that is denied natively is denied by int 0x80 and by x32', (t) => {
  if (skipUnless(t, 'gcc', isBuilt) || skipUnless(t, '32-bit x86 calls', hasI386)) return;
  expectAnswers(t, readProfile('docker'), [
    ['i386:20', 'ok'],
    ['i386:21', EPERM], // mount
    ['i386:600', ENOSYS],
    ['x32:165', EPERM],
    ['x32:600', ENOSYS],
  ]);
});

test('a call by way of an architecture that the profile does not list kills the process', (t) => {
  if (skipUnless(t, 'gcc', isBuilt) || skipUnless(t, '32-bit x86 calls', hasI386)) return;
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ERRNO' }] };
  expectAnswers(t, profile, [
    ['native:39', 'ok'],
    ['native:165', EPERM],
    ['i386:20', sigsys],
    ['x32:39', sigsys],
    ['native:-1', ENOSYS],
  ]);
});

test('socketcall is decided by the call within', (t) => {
  if (skipUnless(t, 'gcc', isBuilt) || skipUnless(t, '32-bit x86 calls', hasI386)) return;
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86'],
    syscalls: [{ names: ['socket', 'shmdt', 'exit_group'], action: 'SCMP_ACT_ALLOW' }],
  };
  expectAnswers(t, profile, [
    ['i386:102:1:0', EFAULT], // SYS_SOCKET, and no arguments to read
    ['i386:102:2:0', EPERM], // SYS_BIND
    ['i386:359:1:1:0', 'ok'],
    ['i386:117:22', 'errno 22'], // SHMDT of nothing
    ['i386:117:0x10016', 'errno 22'], // its other version
    ['i386:117:21', EPERM],
  ]);
});

test('TIOCSTI is denied whatever the high half of its argument', (t) => {
  if (skipUnless(t, 'gcc', isBuilt)) return;
  const ioctl = native === 'x86_64' ? 16 : 29;
  const tiocsti: SyscallArgument = { index: 1, value: 0x5412n, op: 'SCMP_CMP_EQ' };
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['ioctl'], action: 'SCMP_ACT_ERRNO', args: [tiocsti] }],
  };
  expectAnswers(t, profile, [
    [`native:${ioctl}:99:0x5412`, EPERM],
    [`native:${ioctl}:99:0x100005412`, EPERM],
    [`native:${ioctl}:99:0xffffffff00005412`, EPERM],
    [`native:${ioctl}:99:0x5413`, EBADF],
  ]);
});

const outcomes: readonly (readonly [SeccompAction, number | undefined, string])[] = [
  ['SCMP_ACT_KILL', undefined, sigsys],
  ['SCMP_ACT_KILL_THREAD', undefined, sigsys],
  ['SCMP_ACT_KILL_PROCESS', undefined, sigsys],
  ['SCMP_ACT_TRAP', undefined, sigsys],
  ['SCMP_ACT_ERRNO', undefined, 'errno 1'],
  ['SCMP_ACT_ERRNO', 0, 'ok'],
  ['SCMP_ACT_ERRNO', 99, 'errno 99'],
  ['SCMP_ACT_TRACE', undefined, 'errno 38'], // nobody traces
  ['SCMP_ACT_LOG', undefined, 'ok'],
];

for (const [action, errnoRet, answer] of outcomes) {
  test(`${action}${errnoRet === undefined ? '' : ` with ${errnoRet}`} makes getppid end as "${answer}"`, (t) => {
    if (skipUnless(t, 'gcc', isBuilt)) return;
    const getppid = native === 'x86_64' ? 110 : 173;
    const rule = { names: ['getppid'], action, ...(errnoRet === undefined ? {} : { errnoRet }) };
    expectAnswers(t, { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }, [[`native:${getppid}`, answer]]);
  });
}

test('the kernel takes every flag', (t) => {
  if (skipUnless(t, 'gcc', isBuilt)) return;
  const flags = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'] as const;
  const killable = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
  for (const chosen of [[], ...flags.map((flag) => [flag]), [...flags, killable] as const]) {
    const profile: Seccomp = { ...allowAll(), flags: [...chosen] };
    expectAnswers(t, profile, [[`native:${native === 'x86_64' ? 39 : 172}`, 'ok']]);
  }
});

test('the kernel takes a program of nearly the greatest length', (t) => {
  if (skipUnless(t, 'gcc', isBuilt)) return;
  const args = (value: number): SyscallArgument[] => [{ index: 0, value: BigInt(value) << 20n, op: 'SCMP_CMP_EQ' }];
  const rules = Array.from({ length: 1010 }, (_, value) => ({ names: ['kill'], action: 'SCMP_ACT_ERRNO' as const, args: args(value + 1) }));
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules };
  const length = disassemble(compileSeccomp(profile, native)?.program ?? new Uint8Array()).length;
  t.true(length > 4000 && length <= 4096, `${length}`);
  const kill = native === 'x86_64' ? 62 : 129;
  expectAnswers(t, profile, [
    [`native:${kill}:${1 << 20}:0`, EPERM],
    [`native:${kill}:${1010 << 20}:0`, EPERM],
    [`native:${kill}:${1011 << 20}:0`, 'errno 3'],
  ]);
});

function allowAll(): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'], syscalls: [{ names: ['reboot'], action: 'SCMP_ACT_ERRNO' }] };
}

function expectAnswers(t: ExecutionContext, profile: Seccomp, calls: readonly (readonly [string, string | undefined])[]): void {
  const answers = makeCalls(
    profile,
    calls.map(([call]) => call),
  );
  t.deepEqual(
    answers.map((answer, index) => `${calls[index]?.[0]} ${answer}`),
    calls.map(([call, answer]) => `${call} ${answer}`),
  );
}

function makeCalls(profile: Seccomp, calls: readonly string[]): string[] {
  const compiled = compileSeccomp(profile, native);
  if (compiled === null) throw new Error('nothing compiled');
  const output = execFileSync(probe, [`${compiled.flags}`, ...calls], { input: compiled.program });
  return output.toString().trim().split('\n');
}

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import type { Seccomp } from '../../runtime/config/config.ts';
import { all, type ConfigChange, isRoot, withLinux, withProcess } from '../support/change-config.ts';
import { runActions, runBundle, runProbe } from '../support/krun.ts';
import type { Outcome } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const { EPERM, ENOSYS, EINVAL, EACCES } = constants.errno;
const isSupported = isRoot && process.arch === 'x64';
const docker = JSON.parse(readFileSync(new URL('../fixtures/seccomp-docker.json', import.meta.url), 'utf8')) as Seccomp;

const everything = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_MODULE', 'CAP_SYS_BOOT', 'CAP_SYS_TIME'];
const powerful = withProcess({
  noNewPrivileges: false,
  capabilities: { bounding: everything, permitted: everything, effective: everything },
});

// Numbers of x86_64.
const nr = {
  getpid: 39,
  clone: 56,
  clone3: 435,
  unshare: 272,
  mount: 165,
  keyctl: 250,
  bpf: 321,
  kexec: 246,
  init_module: 175,
  add_key: 248,
};
const newer = { fsopen: 430, open_tree: 428, move_mount: 429, userfaultfd: 323, io_uring: 425, setns: 308, perf: 298, reboot: 169 };
const socket = 41;
const personality = 135;
const call = (number: number, ...args: readonly (number | string)[]) => ['syscall', String(number), ...args.map(String)];

test("docker's default profile denies what it denies, whatever the capabilities", async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const { getpid: _, clone: __, clone3: ___, ...denied } = { ...nr, ...newer };
  const outcomes = await runActions(
    t,
    all(powerful, withLinux({ seccomp: docker })),
    ...Object.values(denied).map((number) => call(number)),
  );
  for (const [index, name] of Object.keys(denied).entries()) t.is(outcomes[index]?.errno, EPERM, name);
  t.is((await runProbe(t, withLinux({ seccomp: docker }))).seccompMode, 2);
});

test('clone3 does not exist under it, so that libc falls back to clone, whose flags can be looked at', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const newUser = 0x1000_0000;
  const outcomes = await runActions(
    t,
    all(powerful, withLinux({ seccomp: docker })),
    call(nr.clone3),
    call(nr.clone, newUser),
    call(nr.getpid),
  );
  t.deepEqual(errnos(outcomes), [ENOSYS, EPERM, 0]);
});

test('its argument rules hold: sockets of vsock are denied, and personalities but the usual', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const outcomes = await runActions(
    t,
    withLinux({ seccomp: docker }),
    call(socket, 40, 1, 0),
    call(socket, 1, 1, 0),
    call(personality, 0xffff_ffff),
    call(personality, 0x40_0000),
    // The high half of a register, which the kernel does not look at, is no way around a rule about an int.
    call(socket, '0x100000028', 1, 0),
    call(personality, '0x100400000'),
  );
  t.deepEqual(errnos(outcomes), [EPERM, 0, 0, EPERM, EPERM, EPERM]);
});

test('a call by the other ABIs is under the same rules', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const x32 = 0x4000_0000;
  const outcomes = await runActions(
    t,
    all(powerful, withLinux({ seccomp: docker })),
    ['syscall-i386', '21'], // mount
    call(x32 | nr.mount),
    ['syscall-i386', '20'], // getpid
  );
  t.true([EPERM, ENOSYS].includes(outcomes[0]?.errno ?? 0));
  t.true([EPERM, ENOSYS].includes(outcomes[1]?.errno ?? 0));
  t.true([0, ENOSYS].includes(outcomes[2]?.errno ?? -1));
});

test('errnoRet and defaultErrnoRet are the errno of the denied call', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const seccomp = profile({
    syscalls: [
      { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: EINVAL },
      { names: ['unlink', 'unlinkat'], action: 'SCMP_ACT_ERRNO' },
      { names: ['mknod', 'mknodat'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
    ],
  });
  const outcomes = await runActions(
    t,
    withLinux({ seccomp }),
    ['mkdir', '/tmp/x'],
    ['unlink', '/tmp/x'],
    ['mknod', '/tmp/x', 'p', '0', '0'],
  );
  t.deepEqual(errnos(outcomes), [EINVAL, EPERM, 0]);
});

test('rules about arguments compare as they say', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const rule = (index: number, op: string, value: bigint, valueTwo?: bigint) =>
    ({
      names: ['getpriority'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: EACCES,
      args: [{ index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) }],
    }) as never;
  const getpriority = 140;
  const table: readonly (readonly [string, bigint, bigint | undefined, readonly number[], readonly number[]])[] = [
    ['SCMP_CMP_EQ', 7n, undefined, [7], [6, 8]],
    ['SCMP_CMP_NE', 7n, undefined, [6, 8], [7]],
    ['SCMP_CMP_LT', 7n, undefined, [6, 0], [7, 8]],
    ['SCMP_CMP_LE', 7n, undefined, [7, 6], [8]],
    ['SCMP_CMP_GE', 7n, undefined, [7, 8], [6]],
    ['SCMP_CMP_GT', 7n, undefined, [8], [7, 6]],
    ['SCMP_CMP_MASKED_EQ', 6n, 4n, [4, 5, 12], [6, 2]],
  ];
  for (const [op, value, valueTwo, denied, allowed] of table) {
    const seccomp = profile({ syscalls: [rule(1, op, value, valueTwo)] });
    const outcomes = await runActions(
      t,
      withLinux({ seccomp }),
      ...[...denied, ...allowed].map((argument) => call(getpriority, 0, argument)),
    );
    for (const [index, argument] of [...denied, ...allowed].entries())
      t.is(outcomes[index]?.errno === EACCES, index < denied.length, `${op} ${argument}`);
  }
});

test('a process that a profile kills ends by SIGSYS, and krun with 159', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  const seccomp = profile({ syscalls: [{ names: ['getpriority'], action: 'SCMP_ACT_KILL_PROCESS' }] });
  const { status } = await runBundle(t, all(withLinux({ seccomp }), withProcess({ args: ['/probe', ...call(140)] })));
  t.is(status, 159);
});

test('a profile that allows everything installs no filter, and one that forbids execve is said to', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  t.is((await runProbe(t, withLinux({ seccomp: profile({}) }))).seccompMode, 0);
  const { status, stderr } = await runBundle(
    t,
    withLinux({ seccomp: profile({ syscalls: [{ names: ['execve'], action: 'SCMP_ACT_ERRNO' }] }) }),
  );
  t.is(status, 1);
  t.regex(stderr, /seccomp/);
  t.regex(stderr, /code: E_NOT_EXECUTABLE/);
});

test('the filter is there without noNewPrivileges too, and for other users', async (t) => {
  if (skipUnless(t, 'root on x86_64', isSupported)) return;
  for (const noNewPrivileges of [true, false]) {
    const change: ConfigChange = all(withLinux({ seccomp: docker }), withProcess({ noNewPrivileges, user: { uid: 1000, gid: 1000 } }));
    const seen = await runProbe(t, change);
    t.deepEqual([seen.seccompMode, seen.noNewPrivileges, seen.uid.effective], [2, noNewPrivileges, 1000]);
  }
});

function profile(parts: Partial<Seccomp>): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], ...parts };
}

function errnos(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map(({ errno }) => errno);
}

import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { probePath, probeSettings, runSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
const hex = (set: bigint): string => set.toString(16).padStart(16, '0');
const bit = (number: number): bigint => 1n << BigInt(number);
const none = hex(0n);

test('user, group and groups are exactly those asked for, whatever groups the caller has', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const wrapper = ['setpriv', '--groups', '7,8,9'];
  const user = { uid: 1234, gid: 4321, additionalGids: [11, 12] };
  const report = await probeSettings({ process: { user } }, { wrapper });
  t.deepEqual(report.uid, { real: 1234, effective: 1234, saved: 1234, filesystem: 1234 });
  t.deepEqual(report.gid, { real: 4321, effective: 4321, saved: 4321, filesystem: 4321 });
  t.deepEqual(report.groups, [11, 12]);
  t.deepEqual((await probeSettings({}, { wrapper })).groups, []);
});

test('the five sets of capabilities are exactly those asked for', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const capabilities = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    effective: ['CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL'],
  };
  const report = await probeSettings({ process: { user: { uid: 5, gid: 5 }, capabilities } });
  // After execve: permitted and effective are what ambient gives (capabilities(7)).
  const kill = hex(bit(5));
  t.deepEqual(report.capabilities, {
    bounding: hex(bit(0) | bit(5) | bit(13)),
    permitted: kill,
    effective: kill,
    inheritable: kill,
    ambient: kill,
  });
});

test('root has what the bounding set leaves, and nothing without capabilities', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const capabilities = { bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], effective: ['CAP_CHOWN'] };
  const report = await probeSettings({ process: { capabilities } });
  t.deepEqual(report.capabilities, { bounding: hex(1n), permitted: hex(1n), effective: hex(1n), inheritable: none, ambient: none });
  const without = await probeSettings({});
  t.deepEqual(without.capabilities, { bounding: none, permitted: none, effective: none, inheritable: none, ambient: none });
});

test('a capability that the caller does not have is left out instead of failing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const wrapper = ['setpriv', '--bounding-set', '-kill,-sys_time'];
  const names = ['CAP_KILL', 'CAP_SYS_TIME', 'CAP_CHOWN'];
  const capabilities = { bounding: names, permitted: names, effective: names, inheritable: names };
  const report = await probeSettings({ process: { capabilities } }, { wrapper });
  t.is(report.capabilities.effective, hex(1n));
  t.is(report.capabilities.inheritable, hex(1n));
});

test('an ambient capability that cannot be raised is skipped', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL'];
  const capabilities = { bounding: names, permitted: names, effective: names, inheritable: [], ambient: ['CAP_KILL', 'CAP_CHOWN'] };
  t.is((await probeSettings({ process: { capabilities } })).capabilities.ambient, none);
});

test('no_new_privs is set only when asked for', async (t) => {
  t.true((await probeSettings({ process: { noNewPrivileges: true } })).noNewPrivileges);
  t.false((await probeSettings({ process: { noNewPrivileges: false } })).noNewPrivileges);
});

test('a filter is installed with no_new_privs, and without it while CAP_SYS_ADMIN is there', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  // BPF_RET|BPF_K SECCOMP_RET_ALLOW
  const program = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f);
  const seccomp: Op[] = [{ op: 'installSeccomp', pointer: '/linux/seccomp', program, flags: 0 }];
  for (const noNewPrivileges of [true, false]) {
    const report = await probeSettings({ process: { noNewPrivileges, user: { uid: 1, gid: 1 } } }, { seccomp });
    t.deepEqual([report.seccompMode, report.noNewPrivileges], [2, noNewPrivileges]);
  }
});

test('a filter that the kernel does not take is refused at /linux/seccomp', async (t) => {
  const seccomp: Op[] = [{ op: 'installSeccomp', pointer: '/linux/seccomp', program: Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0), flags: 0 }];
  const { failure } = await runSettings({ process: { noNewPrivileges: true } }, { seccomp });
  t.like(failure, { op: 'installSeccomp', pointer: '/linux/seccomp', syscall: 'seccomp', errno: 22 });
});

test('the process leads a session, has the umask asked for or 022, and signals as they are by default', async (t) => {
  const ignoring = ['sh', '-c', 'trap "" HUP INT USR1; umask 0777; exec "$@"', '-'];
  const report = await probeSettings({}, { wrapper: ignoring });
  t.is(report.sid, report.pid);
  t.is(report.umask, 0o22);
  t.deepEqual(report.blockedSignals, []);
  t.deepEqual(report.ignoredSignals, []);
  t.is((await probeSettings({ process: { user: { uid: 0, gid: 0, umask: 0o7 } } })).umask, 0o7);
});

test('the process has a session keyring of its own, empty, and of the container’s name', async (t) => {
  if (skipUnless(t, 'session keyrings', (await probeSettings({}, { noNewKeyring: true })).sessionKeyring.errno !== 38)) return;
  const { sessionKeyring } = await probeSettings({});
  t.regex(sessionKeyring.description ?? '', /;_ses\.test-[0-9a-f]+$/);
});

test('arguments and environment arrive as they are', async (t) => {
  const env = ['A=1', 'HOME=/x', 'B=two words\nand a line'];
  const report = await probeSettings({ process: { args: [probePath], env } });
  t.deepEqual(report.argv, [probePath]);
  t.deepEqual(report.environment, env);
});

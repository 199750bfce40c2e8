import { constants } from 'node:os';
import test from 'ava';
import { runActions, runKrun, runProbe, startContainer } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import type { SeenMount } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const { EPERM, EROFS } = constants.errno;
const isRoot = process.getuid?.() === 0;

test('a container from the default bundle is who and where its config.json says', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(t);
  t.deepEqual([seen.pid, seen.ppid, seen.sid, seen.pgid], [1, 0, 1, 1]);
  t.deepEqual(seen.argv, ['/probe']);
  t.is(seen.cwd, '/');
  t.is(seen.hostname, 'krun');
  t.deepEqual(seen.uid, { real: 0, effective: 0, saved: 0, filesystem: 0 });
  t.deepEqual(seen.gid, { real: 0, effective: 0, saved: 0, filesystem: 0 });
  t.deepEqual(seen.groups, []);
  const three = '0000000020000420'; // CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE
  const none = '0000000000000000';
  t.deepEqual(seen.capabilities, { effective: three, permitted: three, bounding: three, inheritable: none, ambient: none });
  t.true(seen.noNewPrivileges);
  t.is(seen.umask, 0o022);
  t.deepEqual(seen.rlimits.RLIMIT_NOFILE, { soft: '1024', hard: '1024' });
  t.deepEqual([seen.blockedSignals, seen.ignoredSignals], [[], []]);
  t.deepEqual(seen.interfaces, { lo: { up: true, running: true } });
  t.regex(seen.cgroup ?? '', /^0::\/$/m);
});

test('a container has no descriptor but 0 to 2, and none of them is a terminal', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { descriptors, controllingTerminal } = await runProbe(t);
  t.deepEqual(
    descriptors.map(({ fd, terminal }) => [fd, terminal]),
    [0, 1, 2].map((fd) => [fd, false]),
  );
  t.false(controllingTerminal);
});

test('a container has the mounts of its config.json, its covers and nothing of the host', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { mounts } = await runProbe(t);
  const find = (destination: string): SeenMount | undefined => mounts?.find((mount) => mount.destination === destination);
  t.true(find('/')?.options.includes('ro'));
  t.deepEqual(find('/')?.propagation, []);
  t.like(find('/proc'), { type: 'proc', root: '/' });
  t.like(find('/dev'), { type: 'tmpfs' });
  t.true(find('/dev')?.options.includes('nosuid'));
  t.like(find('/dev/pts'), { type: 'devpts' });
  t.true(['ro', 'nosuid', 'nodev', 'noexec'].every((option) => find('/sys')?.options.includes(option)));
  t.true(find('/sys/fs/cgroup')?.options.includes('ro'));
  t.true(find('/proc/sys')?.options.includes('ro'));
  const strangers = mounts?.filter(({ destination }) => !/^\/($|proc|dev|sys)/.test(destination));
  t.deepEqual(strangers, []);
});

test('a container has the default devices and links, with these modes whatever the umask of the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { devices } = await runProbe(t);
  const numbers = { null: [1, 3], zero: [1, 5], full: [1, 7], random: [1, 8], urandom: [1, 9], tty: [5, 0] };
  for (const [name, [major, minor]] of Object.entries(numbers))
    t.like(devices?.[name], { type: 'c', major, minor, mode: 0o666, uid: 0, gid: 0 }, name);
  const targets = { fd: '/proc/self/fd', stdin: '/proc/self/fd/0', stdout: '/proc/self/fd/1', stderr: '/proc/self/fd/2', ptmx: 'pts/ptmx' };
  for (const [name, target] of Object.entries(targets)) t.is(devices?.[name]?.target, target, name);
});

test('a container cannot write to what is read-only or covered, nor use other devices', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const outcomes = await runActions(
    t,
    (config) => config,
    ['write', '/proc/sys/kernel/hostname'],
    ['create', '/new'],
    ['write', '/sys/fs/cgroup/cgroup.procs'],
    ['list', '/sys/firmware'],
    ['mknod', '/dev/kmsg', 'c', '1', '11'],
    ['open-device', '/dev/zero'],
    ['mount', 'tmpfs', '/tmp', 'tmpfs'],
  );
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [EROFS, EROFS, EROFS, 0, EPERM, 0, EPERM],
  );
  t.deepEqual(outcomes[3]?.names, []);
});

test.serial('a container that has ended leaves nothing behind', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const before = await hostSnapshot();
  const container = await startContainer(t);
  const state = await runKrun(['state', container.bundle.id]);
  t.like(JSON.parse(state.stdout), { status: 'running', id: container.bundle.id, bundle: container.bundle.path });
  container.end();
  t.like(await container.result, { status: 0, stderr: '' });
  await assertNothingLeft(t, before, container.bundle);
});

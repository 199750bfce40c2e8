import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  actInRootfs,
  failInRootfs,
  makeStage,
  maskPath,
  mount,
  mountProc,
  NODEV,
  NOEXEC,
  openNull,
  RDONLY,
  reportFromRootfs,
  setPathReadonly,
} from '../support/rootfs-plan.ts';

test('a masked file reads as empty, a masked directory lists as empty and is read-only', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const [file, device, home, made, home2] = await actInRootfs(
    t,
    stage.rootfs,
    { host: [openNull], setUp: [maskPath('/etc/hosts'), maskPath('/etc/passwd'), maskPath('/home'), maskPath('/bin')] },
    [
      ['read', '/etc/hosts'],
      ['stat', '/etc/passwd'],
      ['list', '/home'],
      ['mkdir', '/home/x'],
      ['list', '/bin'],
    ],
  );
  t.is(file?.content, '');
  t.like(device, { major: 1, minor: 3 });
  t.deepEqual([home?.names, home2?.names], [[], []]);
  t.is(made?.errno, 30);
});

test('all masked directories share one file system', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { mounts } = await reportFromRootfs(t, stage.rootfs, { setUp: [mountProc, maskPath('/home'), maskPath('/bin'), maskPath('/var')] });
  const masks = mounts?.filter(({ type }) => type === 'tmpfs') ?? [];
  t.is(masks.length, 3);
  t.is(new Set(masks.map(({ device }) => device)).size, 1);
  t.deepEqual(masks[0]?.options, ['ro', 'nosuid', 'nodev', 'noexec', 'relatime']);
});

test('masks work from a null device that was opened in the child too', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const setUp = [openNull, maskPath('/etc/hosts'), maskPath('/etc/passwd')];
  const [first, second] = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['read', '/etc/hosts'],
    ['read', '/etc/passwd'],
  ]);
  t.deepEqual([first?.content, second?.content], ['', '']);
});

test('what is missing needs no mask and no protection', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const missing = ['/missing', '/missing/below', '/etc/hosts/below'];
  const setUp = [openNull, ...missing.map(maskPath), ...missing.map(setPathReadonly)];
  t.deepEqual((await reportFromRootfs(t, stage.rootfs, { setUp })).argv, ['/probe']);
});

test('a masked path that cannot be resolved is fatal', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await symlink('loop', join(stage.rootfs, 'loop'));
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [openNull, maskPath('/loop')] });
  t.like(failure, { op: 'maskPath', syscall: 'openat2', errno: 40, path: '/loop' });
});

test('a read-only path is so with all that is mounted below, and keeps its other options', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'mnt/deep'), { recursive: true });
  const setUp = [
    mountProc,
    mount('/mnt/deep', 'tmpfs', { attributes: NODEV | NOEXEC }),
    setPathReadonly('/mnt'),
    setPathReadonly('/etc/hosts'),
  ];
  const { mounts } = await reportFromRootfs(t, stage.rootfs, { setUp });
  const last = new Map(mounts?.map(({ destination, options }) => [destination, options]));
  t.is(last.get('/mnt')?.[0], 'ro');
  t.deepEqual(last.get('/mnt/deep'), ['ro', 'nodev', 'noexec', 'relatime']);
  const outcomes = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['create', '/mnt/x'],
    ['create', '/mnt/deep/x'],
    ['write', '/etc/hosts', 'x'],
    ['create', '/etc/x'],
  ]);
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [30, 30, 30, 0],
  );
});

test('a path below a read-only mount can be masked and protected', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const proc = mount('/proc', 'proc', { exact: true, attributes: RDONLY });
  const setUp = [openNull, proc, maskPath('/proc/version'), setPathReadonly('/proc/sys'), maskPath('/proc/fs')];
  const [version, listed, written] = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['read', '/proc/version'],
    ['list', '/proc/fs'],
    ['write', '/proc/sys/kernel/hostname', 'x'],
  ]);
  t.is(version?.content, '');
  t.deepEqual(listed?.names, []);
  t.is(written?.errno, 30);
});

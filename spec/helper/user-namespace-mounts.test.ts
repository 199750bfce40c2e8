import { chown, lchown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import {
  actInRootfs,
  createDevice,
  failInRootfs,
  makeStage,
  maskPath,
  mount,
  mountProc,
  moveMount,
  NODEV,
  openNull,
  openTree,
  RDONLY,
  remount,
  reportFromRootfs,
  setPathReadonly,
} from '../support/rootfs-plan.ts';

const userMap = '0 100000 65536\n';
const openHostNull: Op = { op: 'openDevice', pointer: '', source: '/dev/null', type: 0o020000, major: 1, minor: 3, tree: 'device' };

test('a whole set of mounts can be made in a user namespace, from trees that the host has cloned', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'bound'));
  const setUp = [
    mountProc,
    mount('/dev', 'tmpfs', { options: ['mode=755'] }),
    moveMount('/dev/null', { tree: 'device' }),
    moveMount('/bound'),
    mount('/tmp', 'tmpfs', { keepMode: true, copyUp: true }),
    maskPath('/proc/kcore'),
    maskPath('/proc/acpi'),
    maskPath('/etc/hosts'),
    setPathReadonly('/proc/sys'),
    setPathReadonly('/bound'),
  ];
  const plan = { userMap, host: [openNull, openHostNull, openTree(stage.canary)], setUp };
  const [device, hosts, bound, made, tmp] = await actInRootfs(t, stage.rootfs, plan, [
    ['write', '/dev/null', 'x'],
    ['read', '/etc/hosts'],
    ['create', '/bound/x'],
    ['create', '/tmp/x'],
    ['stat', '/tmp'],
  ]);
  t.is(device?.errno, 0);
  t.is(hosts?.content, '');
  t.deepEqual([bound?.errno, made?.errno], [30, 0]);
  t.like(tmp, { mode: 0o041777 });
  await stage.assertHostUnchanged();
});

test('all can be opened in the child too, for a caller without rights on the host', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const setUp = [openNull, openTree(join(stage.canary, 'file')), moveMount('/etc/hosts'), maskPath('/etc/passwd'), maskPath('/etc/group')];
  const [hosts, passwd, group] = await actInRootfs(t, stage.rootfs, { userMap, setUp }, [
    ['read', '/etc/hosts'],
    ['read', '/etc/passwd'],
    ['read', '/etc/group'],
  ]);
  t.deepEqual([hosts?.content, passwd?.content, group?.content], ['host\n', '', '']);
});

test('an overlay root works in a user namespace', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await writeFile(join(stage.rootfs, 'mine'), 'rootfs');
  for (const path of ['.', 'mine', 'etc', 'etc/hosts']) await lchown(join(stage.rootfs, path), 100_000, 100_000);
  const root: Op[] = [
    { op: 'openOverlayRoot', pointer: '', lowers: [stage.rootfs], upper: '', work: '', options: ['userxattr'], size: 0n, root: 'root' },
  ];
  const outcomes = await actInRootfs(t, stage.rootfs, { userMap, root }, [
    ['write', '/mine', 'x'],
    ['create', '/new'],
    ['unlink', '/etc/hosts'],
  ]);
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [0, 0, 0],
  );
});

test("options of the host's own mounts stay, and cannot be cleared", async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const source = join(stage.canary, 'directory');
  const wrapper = ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o nodev,nosuid host ${source} && exec "$@"`, 'sh'];
  const bind = [openTree(source), moveMount('/mnt')];
  const setUp = [mountProc, ...bind, remount('/mnt', { set: RDONLY })];
  const { mounts } = await reportFromRootfs(t, stage.rootfs, { userMap, setUp }, { wrapper });
  t.deepEqual(mounts?.find(({ destination }) => destination === '/mnt')?.options, ['ro', 'nosuid', 'nodev', 'relatime']);
  const { failure } = await failInRootfs(stage.rootfs, { userMap, setUp: [...bind, remount('/mnt', { clear: NODEV })] }, { wrapper });
  t.like(failure, { op: 'remount', syscall: 'mount_setattr', errno: 1, path: '/mnt', detail: 'set=0x0 clear=0x4 recursive=0' });
});

test('a device node cannot be made there', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await chown(join(stage.rootfs, 'dev'), 100_000, 100_000);
  const { failure } = await failInRootfs(stage.rootfs, { userMap, setUp: [createDevice('/dev/null')] });
  t.like(failure, { op: 'createDevice', syscall: 'mknodat', errno: 1, path: '/dev/null' });
});

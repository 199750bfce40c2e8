import { chmod, chown, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  actInRootfs,
  failInRootfs,
  makeStage,
  mount,
  mountProc,
  moveMount,
  NODEV,
  NOEXEC,
  NOSUID,
  openTree,
  RDONLY,
  remount,
  reportFromRootfs,
} from '../support/rootfs-plan.ts';

test('after pivotRoot only the mounts of the plan are there', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { mounts } = await reportFromRootfs(t, stage.rootfs, { setUp: [mountProc, mount('/dev', 'tmpfs', { options: ['mode=755'] })] });
  t.deepEqual(
    mounts?.map(({ destination, type }) => [destination, type]),
    [
      ['/', mounts?.[0]?.type],
      ['/proc', 'proc'],
      ['/dev', 'tmpfs'],
    ],
  );
  await stage.assertHostUnchanged();
});

test('mount passes options and attributes on', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { mounts } = await reportFromRootfs(t, stage.rootfs, {
    setUp: [mountProc, mount('/mnt', 'tmpfs', { source: 'shm', options: ['size=64k', 'mode=700'], attributes: NOSUID | NODEV | NOEXEC })],
  });
  const shm = mounts?.find(({ destination }) => destination === '/mnt');
  t.like(shm, { source: 'shm', options: ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'] });
  t.deepEqual(
    ['size=64k', 'mode=700'].filter((option) => !shm?.superOptions.includes(option)),
    [],
  );
});

test("an option that the file system does not know fails with the kernel's own words", async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [mount('/mnt', 'tmpfs', { options: ['sise=1k'] })] });
  t.like(failure, { op: 'mount', syscall: 'fsconfig', errno: 22, path: '/mnt' });
  t.regex(failure?.detail ?? '', /^type=tmpfs option=sise=1k kernel=.*Unknown parameter 'sise'/);
});

test('an option longer than fsconfig takes is named', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [mount('/mnt', 'tmpfs', { options: [`mpol=${'x'.repeat(300)}`] })] });
  t.like(failure, { syscall: 'fsconfig', errno: 36, detail: 'type=tmpfs option=mpol length=300 maximum=255' });
});

test('a file system that the kernel lacks fails at fsopen', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [mount('/mnt', 'nosuchfs')] });
  t.like(failure, { syscall: 'fsopen', errno: 19, detail: 'type=nosuchfs' });
});

test('a missing mount point is made with its parents, whatever the umask', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const [made, parent] = await actInRootfs(
    t,
    stage.rootfs,
    { setUp: [{ op: 'setUmask', pointer: '', mask: 0o777 }, mount('/a/b/c', 'tmpfs')] },
    [
      ['stat', '/a/b'],
      ['stat', '/a'],
    ],
  );
  t.like(made, { mode: 0o040755, uid: 0 });
  t.like(parent, { mode: 0o040755, uid: 0 });
  t.is((await stat(join(stage.rootfs, 'a/b/c'))).mode, 0o040755);
});

test('a bound file gets a file as mount point, a bound directory a directory', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const [file, listed] = await actInRootfs(
    t,
    stage.rootfs,
    {
      host: [openTree(join(stage.canary, 'file')), openTree(stage.canary, { tree: 'other' })],
      setUp: [moveMount('/new/file'), moveMount('/new/directory', { tree: 'other' })],
    },
    [
      ['read', '/new/file'],
      ['list', '/new/directory'],
    ],
  );
  t.is(file?.content, 'host\n');
  t.deepEqual([...(listed?.names ?? [])].sort(), ['directory', 'file', 'ptmx']);
  t.is((await stat(join(stage.rootfs, 'new/file'))).mode, 0o100644);
  await stage.assertHostUnchanged();
});

test('a directory on a file, or a file on a directory, fails and says which is which', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const onFile = await failInRootfs(stage.rootfs, { host: [openTree(stage.canary)], setUp: [moveMount('/etc/hosts')] });
  t.like(onFile.failure, { op: 'moveMount', errno: 20, path: '/etc/hosts', detail: 'source=directory destination=file' });
  const onDirectory = await failInRootfs(stage.rootfs, { host: [openTree(join(stage.canary, 'file'))], setUp: [moveMount('/etc')] });
  t.like(onDirectory.failure, { op: 'moveMount', errno: 21, path: '/etc', detail: 'source=file destination=directory' });
});

test('a bind source that does not exist is named', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { host: [openTree('/nonexistent/source')] });
  t.like(failure, { op: 'openTree', syscall: 'open_tree', errno: 2, path: '/nonexistent/source', pointer: '/mounts/0' });
});

test('attributes of a bind mount are its own, and go into submounts only if asked', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'mnt/inner'), { recursive: true });
  const tree = (fields: Parameters<typeof openTree>[1]): Parameters<typeof reportFromRootfs>[2] => ({
    setUp: [
      mountProc,
      mount('/mnt', 'tmpfs'),
      mount('/mnt/inner', 'tmpfs'),
      openTree(join(stage.rootfs, 'mnt'), fields),
      moveMount('/bound'),
    ],
  });
  const optionsOf = async (fields: Parameters<typeof openTree>[1]): Promise<Record<string, readonly string[]>> => {
    const { mounts } = await reportFromRootfs(t, stage.rootfs, tree(fields));
    return Object.fromEntries((mounts ?? []).map(({ destination, options }) => [destination, options]));
  };
  const shallow = await optionsOf({ set: RDONLY });
  t.deepEqual(
    [shallow['/bound'], shallow['/bound/inner'], shallow['/mnt']],
    [
      ['ro', 'relatime'],
      ['rw', 'relatime'],
      ['rw', 'relatime'],
    ],
  );
  const deep = await optionsOf({ recursiveSet: RDONLY | NODEV });
  t.deepEqual(
    [deep['/bound'], deep['/bound/inner']],
    [
      ['ro', 'nodev', 'relatime'],
      ['ro', 'nodev', 'relatime'],
    ],
  );
  const mixed = await optionsOf({ recursiveSet: RDONLY, clear: RDONLY });
  t.deepEqual(
    [mixed['/bound'], mixed['/bound/inner']],
    [
      ['rw', 'relatime'],
      ['ro', 'relatime'],
    ],
  );
});

test('remount changes attributes of a mount, or reconfigures its file system', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { mounts } = await reportFromRootfs(t, stage.rootfs, {
    setUp: [
      mountProc,
      mount('/mnt', 'tmpfs', { options: ['size=64k'] }),
      remount('/mnt', { options: ['size=128k'] }),
      remount('/mnt', { set: RDONLY }),
    ],
    afterPivot: [remount('/', { set: RDONLY })],
  });
  const found = mounts?.find(({ destination }) => destination === '/mnt');
  t.is(found?.options[0], 'ro');
  t.true(found?.superOptions.includes('size=128k'));
  t.is(mounts?.find(({ destination }) => destination === '/')?.options[0], 'ro');
});

test('remount of what is no mount point fails', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [remount('/etc', { set: RDONLY })] });
  t.like(failure, { op: 'remount', syscall: 'mount_setattr', errno: 22, path: '/etc' });
});

test('a mount that is kept in a slot can be made read-only after pivotRoot', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const [written] = await actInRootfs(
    t,
    stage.rootfs,
    {
      setUp: [mount('/dev', 'tmpfs', { mount: 'dev' })],
      afterPivot: [{ op: 'setMountAttributes', pointer: '', mount: 'dev', set: RDONLY, clear: 0n, recursive: false }],
    },
    [['create', '/dev/x']],
  );
  t.is(written?.errno, 30);
});

test('nothing is mounted over the root itself', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await symlink('/', join(stage.rootfs, 'up'));
  for (const destination of ['/', '/..', '/up', '/up/../up']) {
    const { failure } = await failInRootfs(stage.rootfs, { setUp: [mount(destination, 'tmpfs')] });
    t.like(failure, { op: 'mount', errno: 16, detail: 'destination=root' }, destination);
  }
});

test('keepMode takes over mode and owner of the directory below, unless options say otherwise', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await chmod(join(stage.rootfs, 'mnt'), 0o2750);
  await chown(join(stage.rootfs, 'mnt'), 12, 34);
  await chmod(join(stage.rootfs, 'mnt'), 0o2750);
  const modeAfter = async (options: string[], destination = '/mnt'): Promise<unknown> => {
    const setUp = [mount(destination, 'tmpfs', { keepMode: true, options, attributes: RDONLY })];
    const [found] = await actInRootfs(
      t,
      stage.rootfs,
      { setUp },
      [
        ['stat', destination],
        ['create', `${destination}/x`],
      ].slice(0, 1),
    );
    return [found?.mode, found?.uid, found?.gid];
  };
  t.deepEqual(await modeAfter([]), [0o042750, 12, 34]);
  t.deepEqual(await modeAfter(['mode=700', 'gid=5']), [0o040700, 12, 5]);
  t.deepEqual(await modeAfter([], '/missing'), [0o041777, 0, 0], "what is made only now gives no mode: tmpfs' own");
});

test('the source of a tree may be a symbolic link of the host', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const link = join(stage.rootfs, '../link');
  await symlink(join(stage.canary, 'file'), link);
  const [file] = await actInRootfs(t, stage.rootfs, { host: [openTree(link)], setUp: [moveMount('/etc/hosts')] }, [['read', '/etc/hosts']]);
  t.is(file?.content, 'host\n');
  t.is(await readFile(join(stage.rootfs, 'etc/hosts'), 'utf8'), '127.0.0.1 localhost\n');
});

test('a destination that is a dangling link is made where it points to inside of the root', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await symlink('../run/systemd/resolve/stub-resolv.conf', join(stage.rootfs, 'etc/resolv.conf'));
  await writeFile(join(stage.rootfs, '../resolv.conf'), 'nameserver ::1\n');
  const setUp = [moveMount('/etc/resolv.conf')];
  const host = [openTree(join(stage.rootfs, '../resolv.conf'))];
  const [read] = await actInRootfs(t, stage.rootfs, { host, setUp }, [['read', '/run/systemd/resolve/stub-resolv.conf']]);
  t.is(read?.content, 'nameserver ::1\n');
});

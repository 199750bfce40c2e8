import { execFileSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import {
  actInRootfs,
  createDevice,
  createDirectory,
  createSymlink,
  failInRootfs,
  makeStage,
  mount,
  S_IFCHR,
  S_IFIFO,
} from '../support/rootfs-plan.ts';

const dev = mount('/dev', 'tmpfs', { exact: true, options: ['mode=755'] });
const strictUmask: Op = { op: 'setUmask', pointer: '', mask: 0o777 };

test('a device node gets exactly its type, number, mode and owner, whatever the umask', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const setUp = [
    strictUmask,
    dev,
    createDevice('/dev/null'),
    createDevice('/dev/net/tun', { major: 10, minor: 200, mode: 0o600, uid: 7, gid: 8 }),
    createDevice('/dev/pipe', { type: S_IFIFO, major: 0, minor: 0, mode: 0o4640 }),
  ];
  const [zero, tun, pipe, parent] = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['stat', '/dev/null'],
    ['stat', '/dev/net/tun'],
    ['stat', '/dev/pipe'],
    ['stat', '/dev/net'],
  ]);
  t.like(zero, { mode: S_IFCHR | 0o666, major: 1, minor: 3, uid: 0, gid: 0 });
  t.like(tun, { mode: S_IFCHR | 0o600, major: 10, minor: 200, uid: 7, gid: 8 });
  t.like(pipe, { mode: S_IFIFO | 0o4640 });
  t.like(parent, { mode: 0o040755 });
});

test('an existing node that is the same device gets mode and owner', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  execFileSync('mknod', ['-m', '600', join(stage.rootfs, 'dev/null'), 'c', '1', '3']);
  const setUp = [createDevice('/dev/null', { mode: 0o666, uid: 3, gid: 4 })];
  const [found] = await actInRootfs(t, stage.rootfs, { setUp }, [['stat', '/dev/null']]);
  t.like(found, { mode: S_IFCHR | 0o666, uid: 3, gid: 4 });
});

test('a directory is made with mode and owner; one that exists keeps its own', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const setUp = [
    strictUmask,
    createDirectory('/srv/work/here', { mode: 0o1770, uid: 5, gid: 6 }),
    createDirectory('/tmp', { mode: 0o700, uid: 5 }),
  ];
  const [made, parent, kept] = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['stat', '/srv/work/here'],
    ['stat', '/srv/work'],
    ['stat', '/tmp'],
  ]);
  t.like(made, { mode: 0o041770, uid: 5, gid: 6 });
  t.like(parent, { mode: 0o040755, uid: 0, gid: 0 });
  t.like(kept, { mode: 0o041777, uid: 0 });
});

test('a directory where a file is fails', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [createDirectory('/etc/hosts')] });
  t.like(failure, { op: 'createDirectory', errno: 20, path: '/etc/hosts' });
});

test('a directory can be made through links of the image, inside of the root', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'real'));
  await symlink('/../../real/../real', join(stage.rootfs, 'var/link'));
  const [made] = await actInRootfs(t, stage.rootfs, { setUp: [createDirectory('/var/link/./a/../b')] }, [['stat', '/real/b']]);
  t.like(made, { mode: 0o040755 });
});

test('a symbolic link is made; a name that exists is left', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const setUp = [dev, createSymlink('/dev/fd', '/proc/self/fd'), createSymlink('/dev/fd', '/elsewhere'), createSymlink('/etc/hosts', 'x')];
  const [link, file] = await actInRootfs(t, stage.rootfs, { setUp }, [
    ['stat', '/dev/fd'],
    ['stat', '/etc/hosts'],
  ]);
  t.is(link?.target, '/proc/self/fd');
  t.like(file, { mode: 0o100644 });
});

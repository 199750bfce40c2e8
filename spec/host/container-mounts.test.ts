import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { mountsBelow, mountsOf, resolveInRoot } from '../../runtime/host/container-mounts.ts';

test('a path is resolved as the container would: links stay below its root, however they are written', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'krun-test-resolve-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'run/lock'), { recursive: true });
  mkdirSync(join(root, 'var'));
  symlinkSync('/run', join(root, 'var/run'));
  symlinkSync('../../../../run/lock', join(root, 'var/lock'));
  symlinkSync('loop', join(root, 'loop'));
  t.is(resolveInRoot(root, '/var/run/x/../y'), '/run/y');
  t.is(resolveInRoot(root, '/var/lock'), '/run/lock');
  t.is(resolveInRoot(root, '/../etc//hosts'), '/etc/hosts');
  t.is(resolveInRoot(root, '/loop/x'), '/loop/x');
});

test('the mounts of a process have their file system and their root', (t) => {
  const root = mountsOf('self').find(({ mountpoint }) => mountpoint === '/');
  t.regex(root?.device ?? '', /^\d+:\d+$/);
  t.deepEqual(
    mountsBelow('/srv', [
      { id: 1, device: '8:1', root: '/', mountpoint: '/srv', type: 'ext4' },
      { id: 2, device: '8:2', root: '/', mountpoint: '/srv/a', type: 'ext4' },
      { id: 3, device: '8:3', root: '/', mountpoint: '/srv-b', type: 'ext4' },
    ]),
    ['/a'],
  );
});

import test from 'ava';
import { mountsToDump, mountsToRestore, type SeenMount } from '../../runtime/plan/criu-mounts.ts';

function seen(mountpoint: string, device: string, type: string, root = '/'): SeenMount {
  return { id: 1, device, root, mountpoint, type };
}

const host = [
  seen('/', '8:1', 'ext4'),
  seen('/dev', '0:6', 'devtmpfs'),
  seen('/tmp', '0:40', 'tmpfs'),
  seen('/sys/fs/cgroup', '0:30', 'cgroup2'),
];

test("mounts of file systems that the host has mounted too are named for where they are, all others are criu's affair", (t) => {
  const inside = [
    seen('/', '8:1', 'ext4', '/rootfs'),
    seen('/proc', '0:50', 'proc'),
    seen('/dev', '0:51', 'tmpfs'),
    seen('/sys/fs/cgroup', '0:30', 'cgroup2', '/a'),
    seen('/etc/hosts', '8:1', 'ext4', '/hosts'),
    seen('/scratch', '0:40', 'tmpfs', '/x'),
  ];
  t.deepEqual(mountsToDump(inside, host), [
    ['/etc/hosts', '/etc/hosts'],
    ['/scratch', '/scratch'],
  ]);
});

test('a masked file is named for the null device that covers it, as runc has it', (t) => {
  t.deepEqual(mountsToDump([seen('/proc/keys', '0:6', 'devtmpfs', '/null')], host), [['/proc/keys', '/dev/null']]);
});

test('sources come from the configuration, with the mounts below them', (t) => {
  t.deepEqual(mountsToRestore([{ destination: '/data', source: '/srv/data', below: ['/disk'] }], ['/dev/fuse']), [
    ['/dev/null', '/dev/null'],
    ['/dev/fuse', '/dev/fuse'],
    ['/data', '/srv/data'],
    ['/data/disk', '/srv/data/disk'],
  ]);
});

import test, { type ExecutionContext } from 'ava';
import type { Config, Mount } from '../../runtime/config/config.ts';
import type { ErrorCode } from '../../runtime/errors/codes.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import type { FileSystemContext } from '../../runtime/plan/file-system-context.ts';
import { type MountPlan, planMounts } from '../../runtime/plan/mounts.ts';
import { configWith, privilegedContext } from '../support/plan-context.ts';

const RDONLY = 0x1n;
const NOSUID = 0x2n;
const NODEV = 0x4n;
const NOEXEC = 0x8n;
const MS_PRIVATE = 1 << 18;
const MS_SLAVE = 1 << 19;
const MS_SHARED = 1 << 20;

function plan(mount: Mount, linux: Config['linux'] = {}, context: Partial<FileSystemContext> = {}): MountPlan {
  return planMounts(configWith({ mounts: [mount], linux }), { ...privilegedContext, ...context });
}

function refuses(t: ExecutionContext, pointer: string, make: () => unknown, code: ErrorCode = 'E_BAD_MOUNT'): void {
  const error = t.throws(make, { instanceOf: KrunError });
  t.is(error?.code, code);
  t.is(error?.pointer, pointer);
}

const inUserNamespace: Config['linux'] = {
  namespaces: [{ type: 'mount' }, { type: 'user' }],
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
};

test('a new file system gets flags, data and attributes', (t) => {
  t.deepEqual(plan({ destination: '/scratch', type: 'ext4', source: '/dev/sdb1', options: ['nosuid', 'ro', 'sync', 'data=ordered'] }), {
    open: [],
    attach: [
      {
        op: 'mount',
        pointer: '/mounts/0',
        root: 'root',
        destination: '/scratch',
        type: 'ext4',
        source: '/dev/sdb1',
        options: ['ro', 'sync', 'data=ordered'],
        attributes: NOSUID | RDONLY,
        exact: false,
        copyUp: false,
        keepMode: false,
        mount: null,
      },
    ],
    after: [],
  });
});

for (const type of ['proc', 'sysfs', 'mqueue', 'devpts', 'cgroup', 'cgroup2']) {
  test(`ro on ${type} is of the mount: its superblock is the kernel's`, (t) => {
    const { attach } = plan({ destination: type === 'proc' ? '/proc' : '/x', type, options: ['ro', 'sync'] });
    t.like(attach[0], { op: 'mount', type: type === 'cgroup' ? 'cgroup2' : type, options: [], attributes: RDONLY });
  });
}

test('a read-only tmpfs stays writable until everything in it has been made', (t) => {
  const { attach, after } = plan({ destination: '/run', type: 'tmpfs', options: ['ro', 'nodev', 'mode=755'] });
  t.like(attach[0], { options: ['mode=755'], attributes: NODEV, mount: 'mounts/0' });
  t.deepEqual(after, [{ op: 'setMountAttributes', pointer: '/mounts/0', mount: 'mounts/0', set: RDONLY, clear: 0n, recursive: false }]);
});

test('a tmpfs keeps the mode of the directory below unless mode= is given', (t) => {
  t.like(plan({ destination: '/tmp', type: 'tmpfs' }).attach[0], { keepMode: true, source: 'tmpfs' });
  t.like(plan({ destination: '/tmp', type: 'tmpfs', options: ['size=1m,mode=1777'] }).attach[0], { keepMode: false });
  t.like(plan({ destination: '/tmp', type: 'ramfs' }).attach[0], { keepMode: false });
});

test('tmpcopyup copies into a tmpfs, and only there', (t) => {
  t.like(plan({ destination: '/etc', type: 'tmpfs', options: ['tmpcopyup'] }).attach[0], { copyUp: true });
  refuses(t, '/mounts/0', () => plan({ destination: '/etc', type: 'ramfs', options: ['tmpcopyup'] }));
  refuses(t, '/mounts/0', () => plan({ destination: '/etc', source: '/etc', options: ['bind', 'tmpcopyup'] }));
});

test('iversion reaches ext4 by the name that it knows, and no other file system', (t) => {
  t.like(plan({ destination: '/x', type: 'ext4', options: ['iversion'] }).attach[0], { options: ['i_version'] });
  t.like(plan({ destination: '/x', type: 'xfs', options: ['iversion'] }).attach[0], { options: [] });
});

test('the propagation of a new file system is changed once it is mounted', (t) => {
  const { attach } = plan({ destination: '/x', type: 'tmpfs', options: ['rshared'] });
  t.like(attach[0], { mount: 'mounts/0' });
  t.deepEqual(attach[1], {
    op: 'setPropagation',
    pointer: '/mounts/0',
    path: '',
    mount: 'mounts/0',
    propagation: MS_SHARED,
    recursive: true,
  });
});

test('a mount without type and bind is refused at /mounts/0/type', (t) => {
  refuses(t, '/mounts/0/type', () => plan({ destination: '/x', source: '/y' }));
});

test('recursive attributes hold for a new file system too', (t) => {
  t.like(plan({ destination: '/x', type: 'mqueue', options: ['rro', 'rnoexec'] }).attach[0], { attributes: RDONLY | NOEXEC });
});

test('a bind mount is a private clone of the host tree, attached in the root', (t) => {
  t.deepEqual(plan({ destination: '/data', type: 'none', source: '/srv/data', options: ['bind', 'ro', 'noexec', 'suid'] }), {
    open: [
      {
        op: 'openTree',
        pointer: '/mounts/0',
        source: '/srv/data',
        recursive: false,
        set: RDONLY | NOEXEC,
        clear: NOSUID,
        recursiveSet: 0n,
        recursiveClear: 0n,
        propagation: MS_PRIVATE,
        recursivePropagation: true,
        userNamespace: null,
        recursiveIdmap: false,
        tree: 'mounts/0',
      },
    ],
    attach: [{ op: 'moveMount', pointer: '/mounts/0', root: 'root', tree: 'mounts/0', destination: '/data', exact: false }],
    after: [],
  });
});

test('rbind takes what is mounted below, and rro makes it read-only as well', (t) => {
  t.like(plan({ destination: '/data', source: '/srv', options: ['rbind', 'rro', 'rnosuid'] }).open[0], {
    recursive: true,
    set: 0n,
    recursiveSet: RDONLY | NOSUID,
  });
});

test('a bind mount is a slave or a peer of the host only where an option says so', (t) => {
  const propagation = (option: string): unknown => plan({ destination: '/d', source: '/s', options: ['rbind', option] }).open[0];
  t.like(propagation('rslave'), { propagation: MS_SLAVE, recursivePropagation: true });
  t.like(propagation('shared'), { propagation: MS_SHARED, recursivePropagation: false });
});

test('flags of the superblock leave a bind mount alone', (t) => {
  t.like(plan({ destination: '/d', source: '/s', options: ['bind', 'sync', 'lazytime', 'silent', 'iversion'] }).open[0], {
    set: 0n,
    clear: 0n,
  });
});

test('a relative source is relative to the bundle, and only for a bind mount', (t) => {
  t.like(plan({ destination: '/d', source: './a/../b', options: ['bind'] }).open[0], { source: '/bundle/b' });
  t.like(plan({ destination: '/d', source: '/a/../b', options: ['bind'] }).open[0], { source: '/a/../b' });
  t.like(plan({ destination: '/d', source: 'shm', type: 'tmpfs' }).attach[0], { source: 'shm' });
});

test('a bind mount without a source is refused at /mounts/0/source', (t) => {
  refuses(t, '/mounts/0/source', () => plan({ destination: '/d', options: ['bind'] }));
});

test('data on a bind mount is refused at the option, with the name that was probably meant', (t) => {
  const make = (): unknown => plan({ destination: '/d', source: '/s', options: ['rbind', 'nosiud'] });
  refuses(t, '/mounts/0/options/1', make);
  t.is(t.throws(make, { instanceOf: KrunError })?.hint, 'did you mean nosuid?');
});

test('destinations are cleaned, and a relative one is from /', (t) => {
  const destination = (path: string): unknown => plan({ destination: path, type: 'tmpfs' }).attach[0];
  t.like(destination('var/./lib//x/../y/'), { destination: '/var/lib/y' });
  t.like(destination('/../../etc'), { destination: '/etc' });
});

for (const destination of ['/', '//', '/.', '/a/..', '..', '.']) {
  test(`a mount on ${destination}, which is the root, is refused at /mounts/0/destination`, (t) => {
    refuses(t, '/mounts/0/destination', () => plan({ destination, type: 'tmpfs' }));
  });
}

for (const destination of ['/proc', '///proc', '/sys/../proc', 'proc/', '/proc/.']) {
  test(`only procfs may be mounted on ${destination}`, (t) => {
    t.like(plan({ destination, type: 'proc' }).attach[0], { destination: '/proc', exact: true });
    refuses(t, '/mounts/0/destination', () => plan({ destination, type: 'tmpfs' }));
    refuses(t, '/mounts/0/destination', () => plan({ destination, type: 'proc', source: '/srv', options: ['bind'] }));
    t.like(plan({ destination, source: '/proc', options: ['rbind'] }).attach[0], { op: 'moveMount', destination: '/proc', exact: true });
  });
}

for (const destination of ['/proc/self/attr', '/proc/../proc/sys', '///proc/sys/kernel', '/proc/cpuinfo/x', '/proc/1', 'proc/self']) {
  test(`a mount on ${destination} is refused at /mounts/0/destination`, (t) => {
    refuses(t, '/mounts/0/destination', () => plan({ destination, type: 'tmpfs' }));
    refuses(t, '/mounts/0/destination', () => plan({ destination, source: '/x', options: ['bind'] }));
    refuses(t, '/mounts/0/destination', () => plan({ destination, type: 'proc' }));
  });
}

for (const name of 'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled'.split(
  ' ',
)) {
  test(`/proc/${name} may be covered, as lxcfs does, without following links`, (t) => {
    t.like(plan({ destination: `/proc/${name}`, source: '/x', options: ['bind'] }).attach[0], {
      destination: `/proc/${name}`,
      exact: true,
    });
  });
}

test('proc and sysfs follow no link to their destination, wherever it is', (t) => {
  t.like(plan({ destination: '/host/proc', type: 'proc' }).attach[0], { exact: true });
  t.like(plan({ destination: '/host/sys', type: 'sysfs' }).attach[0], { exact: true });
  t.like(plan({ destination: '/sys', source: '/sys', options: ['rbind'] }).attach[0], { exact: true });
  t.like(plan({ destination: '/processes', type: 'tmpfs' }).attach[0], { exact: false });
  t.like(plan({ destination: '/x', type: 'proc', source: '/s', options: ['bind'] }).attach[0], { exact: false });
});

test('cgroup is cgroup2 in a cgroup namespace of the container', (t) => {
  t.like(plan({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] }).attach[0], {
    op: 'mount',
    type: 'cgroup2',
    attributes: NOSUID | RDONLY,
  });
});

test("without a cgroup namespace cgroup is a bind of the host's cgroups", (t) => {
  const { open, attach } = plan(
    { destination: '/sys/fs/cgroup', type: 'cgroup', options: ['nosuid', 'ro'] },
    { namespaces: [{ type: 'mount' }] },
  );
  t.like(open[0], { op: 'openTree', source: '/sys/fs/cgroup', recursive: false, set: NOSUID | RDONLY, propagation: MS_PRIVATE });
  t.deepEqual(attach, [
    { op: 'moveMount', pointer: '/mounts/0', root: 'root', tree: 'mounts/0', destination: '/sys/fs/cgroup', exact: false },
  ]);
});

test("a new user namespace does not own a joined cgroup namespace, so the container's cgroup is bound", (t) => {
  const namespaces = (user: object): Config['linux'] => ({
    namespaces: [{ type: 'mount' }, { type: 'user', ...user }, { type: 'cgroup', path: '/proc/7/ns/cgroup' }],
  });
  t.like(plan({ destination: '/c', type: 'cgroup' }, namespaces({})).open[0], { op: 'openTree', source: '/sys/fs/cgroup/krun/test' });
  t.is(plan({ destination: '/c', type: 'cgroup' }, namespaces({ path: '/proc/7/ns/user' })).attach[0]?.op, 'mount');
});

test('a cgroup mount that can neither be mounted nor bound is refused with E_NO_CGROUP2', (t) => {
  const make = (): unknown => plan({ destination: '/c', type: 'cgroup' }, { namespaces: [{ type: 'mount' }] }, { cgroup2: null });
  refuses(t, '/mounts/0', make, 'E_NO_CGROUP2');
});

test("sysfs in a user namespace without a network namespace is the host's /sys, all of it read-only", (t) => {
  const { open, attach } = plan({ destination: '/sys', type: 'sysfs', options: ['rw', 'nosuid'] }, inUserNamespace);
  t.like(open[0], {
    op: 'openTree',
    source: '/sys',
    recursive: true,
    recursiveSet: RDONLY | NOSUID | NODEV | NOEXEC,
    recursiveClear: 0n,
    set: 0n,
    clear: 0n,
  });
  t.like(attach[0], { op: 'moveMount', destination: '/sys', exact: true });
});

test('sysfs is mounted where the network namespace is the container own, or the host is', (t) => {
  const own: Config['linux'] = { ...inUserNamespace, namespaces: [{ type: 'mount' }, { type: 'user' }, { type: 'network' }] };
  t.is(plan({ destination: '/sys', type: 'sysfs' }, own).attach[0]?.op, 'mount');
  t.is(plan({ destination: '/sys', type: 'sysfs' }, { namespaces: [{ type: 'mount' }] }).attach[0]?.op, 'mount');
  const joined: Config['linux'] = { ...own, namespaces: [{ type: 'mount' }, { type: 'user' }, { type: 'network', path: '/run/netns/x' }] };
  t.is(plan({ destination: '/sys', type: 'sysfs' }, joined).attach[0]?.op, 'moveMount');
});

test('gid=5 of devpts without a mapping is refused at the option', (t) => {
  const devpts: Mount = { destination: '/dev/pts', type: 'devpts', options: ['nosuid', 'mode=0620', 'gid=5'] };
  refuses(t, '/mounts/0/options/2', () => plan(devpts, inUserNamespace));
  const mapped = { ...inUserNamespace, gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }] };
  t.like(plan(devpts, mapped).attach[0], { options: ['mode=0620', 'gid=5'] });
  t.like(plan(devpts).attach[0], { options: ['mode=0620', 'gid=5'] });
});

const maps = {
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [
    { containerID: 0, hostID: 200000, size: 10 },
    { containerID: 10, hostID: 300000, size: 10 },
  ],
};

test('an idmapped mount has a user namespace of its own mappings', (t) => {
  const { open } = plan({ destination: '/d', source: '/s', options: ['bind', 'idmap'], ...maps });
  t.deepEqual(open[0], {
    op: 'createUserNamespace',
    pointer: '/mounts/0',
    uidMap: '0 100000 65536\n',
    gidMap: '0 200000 10\n10 300000 10\n',
    namespace: 'mounts/0/idmap',
  });
  t.like(open[1], { op: 'openTree', userNamespace: 'mounts/0/idmap', recursiveIdmap: false });
  t.like(plan({ destination: '/d', source: '/s', options: ['rbind', 'ridmap'], ...maps }).open[1], { recursiveIdmap: true });
  t.like(plan({ destination: '/d', source: '/s', options: ['bind'], ...maps }).open[1], { userNamespace: 'mounts/0/idmap' });
});

test("idmap without mappings takes those of the container's user namespace, made or joined", (t) => {
  const mount: Mount = { destination: '/d', source: '/s', options: ['bind', 'idmap'] };
  t.like(plan(mount, inUserNamespace).open[0], { op: 'createUserNamespace', uidMap: '0 1000 1\n', gidMap: '0 1000 1\n' });
  const joined: Config['linux'] = { namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/7/ns/user' }] };
  t.deepEqual(plan(mount, joined).open[0], {
    op: 'openNamespace',
    pointer: '/mounts/0',
    path: '/proc/7/ns/user',
    type: 0x10000000n,
    foreign: false,
    namespace: 'mounts/0/idmap',
  });
});

test('idmap with nothing to map by, without privileges, or on a new file system is refused', (t) => {
  refuses(t, '/mounts/0', () => plan({ destination: '/d', source: '/s', options: ['bind', 'idmap'] }));
  refuses(t, '/mounts/0', () => plan({ destination: '/d', source: '/s', options: ['bind', 'idmap'], ...maps }, {}, { privileged: false }));
  refuses(t, '/mounts/0', () => plan({ destination: '/d', type: 'tmpfs', options: ['idmap'] }));
  refuses(t, '/mounts/0', () => plan({ destination: '/d', source: '/s', options: ['bind'], uidMappings: maps.uidMappings }));
});

test('directories of an overlay mount are relative to the bundle', (t) => {
  const options = ['lowerdir=a:/b\\:c:d::data,upperdir=up', 'workdir=/work', 'index=off'];
  t.like(plan({ destination: '/o', type: 'overlay', source: 'overlay', options }).attach[0], {
    options: ['lowerdir=/bundle/a:/b\\:c:/bundle/d::/bundle/data', 'upperdir=/bundle/up', 'workdir=/work', 'index=off'],
  });
  t.like(plan({ destination: '/o', type: 'overlay', options: ['lowerdir+=a:b'] }, {}, { bundle: '/x:y' }).attach[0], {
    options: ['lowerdir+=/x:y/a:b'],
  });
  t.like(plan({ destination: '/o', type: 'overlay', options: ['lowerdir=a'] }, {}, { bundle: '/x:y' }).attach[0], {
    options: ['lowerdir=/x\\:y/a'],
  });
});

test('remount changes attributes of the mount, and the rest on its file system', (t) => {
  const remount = { op: 'remount', pointer: '/mounts/0', root: 'root', destination: '/tmp', options: [], set: 0n, clear: 0n };
  t.deepEqual(plan({ destination: '/tmp', options: ['remount', 'ro', 'dev'] }).attach, [{ ...remount, set: RDONLY, clear: NODEV }]);
  t.deepEqual(plan({ destination: '/tmp', options: ['remount', 'nosuid', 'sync', 'size=1m'] }).attach, [
    { ...remount, options: ['sync', 'size=1m'] },
    { ...remount, set: NOSUID },
  ]);
  t.deepEqual(plan({ destination: '/tmp', options: ['remount', 'bind', 'ro', 'sync'] }).attach, [{ ...remount, set: RDONLY }]);
  t.deepEqual(plan({ destination: '/proc/sys', options: ['remount', 'ro'] }).attach, [
    { ...remount, destination: '/proc/sys', set: RDONLY },
  ]);
});

test('remount refuses what mount_setattr cannot mean there', (t) => {
  refuses(t, '/mounts/0/options', () => plan({ destination: '/tmp', options: ['remount', 'rro'] }));
  refuses(t, '/mounts/0/options', () => plan({ destination: '/tmp', options: ['remount', 'rslave'] }));
  refuses(t, '/mounts/0/options/2', () => plan({ destination: '/tmp', options: ['remount', 'bind', 'size=1m'] }));
});

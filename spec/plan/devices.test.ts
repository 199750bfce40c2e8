import test from 'ava';
import type { Config, Device, Mount } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { type DevicePlan, planDevices } from '../../runtime/plan/devices.ts';
import { configWith, opsOf, privilegedContext } from '../support/plan-context.ts';

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const defaultPaths = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'];
const linkPaths = ['/dev/ptmx', '/dev/fd', '/dev/stdin', '/dev/stdout', '/dev/stderr', '/dev/core'];

function plan(devices: readonly Device[] = [], linux: Config['linux'] = {}, mounts: readonly Mount[] = []): DevicePlan {
  return planDevices(configWith({ mounts, linux: { ...linux, devices } }), privilegedContext);
}

const userNamespace: Config['linux'] = { namespaces: [{ type: 'mount' }, { type: 'user' }] };

test('the default devices are made, open to everybody', (t) => {
  const { open, make } = plan();
  const numbers = opsOf(make, 'createDevice').map(({ path, major, minor }) => `${path} ${major}:${minor}`);
  t.deepEqual(open, []);
  t.deepEqual(numbers, ['/dev/null 1:3', '/dev/zero 1:5', '/dev/full 1:7', '/dev/random 1:8', '/dev/urandom 1:9', '/dev/tty 5:0']);
  for (const op of opsOf(make, 'createDevice')) t.like(op, { pointer: '', root: 'root', type: S_IFCHR, mode: 0o666, uid: 0, gid: 0 });
});

test('the links of /dev follow the devices', (t) => {
  const links = plan()
    .make.slice(defaultPaths.length)
    .map((op) => (op.op === 'createSymlink' ? `${op.path} ${op.target}` : op.op));
  t.deepEqual(links, [
    '/dev/ptmx pts/ptmx',
    '/dev/fd /proc/self/fd',
    '/dev/stdin /proc/self/fd/0',
    '/dev/stdout /proc/self/fd/1',
    '/dev/stderr /proc/self/fd/2',
    '/dev/core /proc/kcore',
  ]);
});

test('an entry of linux.devices is made with its mode and owner; the file type in fileMode is left out', (t) => {
  const { make } = plan([{ type: 'b', path: '/dev/sda', major: 8, minor: 1, fileMode: 0o60640, uid: 5, gid: 6 }]);
  t.deepEqual(make[defaultPaths.length], {
    op: 'createDevice',
    pointer: '/linux/devices/0',
    root: 'root',
    path: '/dev/sda',
    type: S_IFBLK,
    major: 8,
    minor: 1,
    mode: 0o640,
    uid: 5,
    gid: 6,
  });
});

test('types c and u are character devices, p is a fifo without a number', (t) => {
  const devices: readonly Device[] = [
    { type: 'c', path: '/c', major: 1, minor: 2 },
    { type: 'u', path: '/u', major: 3, minor: 4 },
    { type: 'p', path: '/p' },
  ];
  const made = opsOf(plan(devices).make, 'createDevice').slice(defaultPaths.length);
  t.deepEqual(
    made.map(({ type, major, minor }) => [type, major, minor]),
    [
      [S_IFCHR, 1, 2],
      [S_IFCHR, 3, 4],
      [S_IFIFO, 0, 0],
    ],
  );
});

test('an entry of linux.devices takes the place of the default one at its path', (t) => {
  const made = opsOf(plan([{ type: 'c', path: '/dev//./null', major: 1, minor: 3, fileMode: 0o600 }]).make, 'createDevice');
  t.deepEqual(
    made.map(({ path }) => path),
    defaultPaths,
  );
  t.like(made[0], { pointer: '/linux/devices/0', mode: 0o600 });
});

test('a device may lie outside of /dev, but its path is cleaned and stays in the root', (t) => {
  const made = opsOf(plan([{ type: 'c', path: '/dev/../../srv/null', major: 1, minor: 3 }]).make, 'createDevice');
  t.is(made.at(-1)?.path, '/srv/null');
});

test('the same device twice at a path is made once, two devices at one path are refused at the second', (t) => {
  const device: Device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 };
  t.is(opsOf(plan([device, { ...device, path: '/dev//fuse' }]).make, 'createDevice').length, defaultPaths.length + 1);
  const error = t.throws(() => plan([device, { ...device, path: '/dev//fuse', minor: 200 }]), { instanceOf: KrunError });
  t.is(error?.code, 'E_BAD_DEV');
  t.is(error?.pointer, '/linux/devices/1/path');
});

for (const path of ['/', '/dev/../..', '/proc/sys/kernel/core_pattern', '/dev/../proc/kcore']) {
  test(`a device at ${path} is refused at /linux/devices/0/path`, (t) => {
    const error = t.throws(() => plan([{ type: 'c', path, major: 1, minor: 3 }]), { instanceOf: KrunError });
    t.is(error?.code, 'E_BAD_DEV');
    t.is(error?.pointer, '/linux/devices/0/path');
  });
}

test('/dev/ptmx is always the link to the terminals of the container', (t) => {
  const { make } = plan([{ type: 'c', path: '/dev/ptmx', major: 5, minor: 2 }]);
  t.deepEqual(make, plan().make);
});

test("in a user namespace the host's nodes are bound, each only if it is that device", (t) => {
  const { open, make } = plan([{ type: 'b', path: '/dev/loop0', major: 7, minor: 0 }], userNamespace);
  t.deepEqual(
    open.map((op) => (op.op === 'openDevice' ? op.source : op.op)),
    [...defaultPaths, '/dev/loop0'],
  );
  t.deepEqual(open.at(-1), {
    op: 'openDevice',
    pointer: '/linux/devices/0',
    source: '/dev/loop0',
    type: S_IFBLK,
    major: 7,
    minor: 0,
    tree: 'devices/dev/loop0',
  });
  t.deepEqual(make[defaultPaths.length], {
    op: 'moveMount',
    pointer: '/linux/devices/0',
    root: 'root',
    tree: 'devices/dev/loop0',
    destination: '/dev/loop0',
    exact: true,
  });
  t.is(opsOf(make, 'createDevice').length, 0);
  t.is(opsOf(make, 'createSymlink').length, linkPaths.length);
});

test('a user namespace may make fifos itself', (t) => {
  t.like(opsOf(plan([{ type: 'p', path: '/run/pipe' }], userNamespace).make, 'createDevice')[0], { path: '/run/pipe', type: S_IFIFO });
});

test('nodes are bound as well when krun itself runs in a user namespace', (t) => {
  const { open } = planDevices(configWith(), { ...privilegedContext, inUserNamespace: true });
  t.is(open.length, defaultPaths.length);
});

test('in a /dev that is bound from the host nothing is made', (t) => {
  const devices: readonly Device[] = [
    { type: 'c', path: '/dev/fuse', major: 10, minor: 229 },
    { type: 'c', path: '/srv/fuse', major: 10, minor: 229 },
  ];
  const { make } = plan(devices, {}, [{ destination: 'dev/.', source: '/dev', options: ['rbind'] }]);
  t.deepEqual(
    make.map((op) => (op.op === 'createDevice' ? op.path : op.op)),
    ['/srv/fuse'],
  );
});

test('a tmpfs, or a bind below /dev, is no /dev of the host', (t) => {
  t.deepEqual(plan([], {}, [{ destination: '/dev', type: 'tmpfs' }]), plan());
  t.deepEqual(plan([], {}, [{ destination: '/dev/shm', source: '/dev/shm', options: ['bind'] }]), plan());
});

import { randomBytes } from 'node:crypto';
import { existsSync, constants as files, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { hostFacts, makeCorner, processesIn, skipWithoutCgroups, until } from '../support/cgroups.ts';
import {
  all,
  type ConfigChange,
  withLinux,
  withoutNamespaces,
  withProcess,
  withUserNamespace,
  writableRoot,
} from '../support/change-config.ts';
import { type RunningContainer, runActions, runBundle, runKrun, startContainer } from '../support/krun.ts';
import type { Outcome, ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const { EPERM } = constants.errno;

test('linux.cgroupsPath is where the process is, from its first moment to its last', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const corner = makeCorner(t);
  const path = `${corner.path}/deep/container`;
  const container = await startContainer(t, withLinux({ cgroupsPath: path }));
  const init = await initOf(container);
  t.deepEqual(processesIn(corner.mountpoint + path), [init]);
  t.regex(readFileSync(`/proc/${init}/cgroup`, 'utf8'), new RegExp(`^0::${path}$`, 'm'));
  container.end();
  await container.result;
  t.false(existsSync(corner.mountpoint + path));
  t.false(existsSync(`${corner.directory}/deep`), 'the ancestors that krun made');
});

test('without linux.cgroupsPath the container has a cgroup of its own, gone when it ends', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const container = await startContainer(t);
  const path = cgroupOf(await initOf(container));
  t.true(path.includes(container.bundle.id), path);
  const directory = makeCorner(t).mountpoint + path;
  t.true(existsSync(directory));
  container.end();
  await container.result;
  t.false(existsSync(directory));
});

test('what the process leaves running in its cgroup ends with it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const corner = makeCorner(t);
  const cgroupsPath = `${corner.path}/c`;
  // Without a pid namespace nothing but the cgroup holds them together.
  const change = all(withoutNamespaces('pid'), withLinux({ cgroupsPath }), withProcess({ args: ['/probe', 'spam-children', '20'] }));
  const { status, stdout, stderr } = await runBundle(t, change);
  t.is(status, 0, stderr);
  t.is((JSON.parse(stdout) as Outcome).made, 20);
  await until(() => !existsSync(corner.mountpoint + cgroupsPath));
});

test('the cgroup mount shows the cgroup of the container as root, read-only when asked, and joined by the process', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const [membership, procs, write] = await runActions(
    t,
    (config) => config,
    ['read', '/proc/self/cgroup'],
    ['read', '/sys/fs/cgroup/cgroup.procs'],
    ['write', '/sys/fs/cgroup/cgroup.procs', '1'],
  );
  t.regex(membership?.content ?? '', /^0::\/$/m);
  t.is(procs?.content, '1\n');
  t.is(write?.errno, constants.errno.EROFS);
});

test("without a cgroup namespace the cgroup mount shows the host's, in which the path of the own cgroup leads to it", async (t) => {
  if (skipWithoutCgroups(t)) return;
  for (const change of [withoutNamespaces('cgroup'), all(withUserNamespace(), withoutNamespaces('cgroup'))]) {
    const cgroupsPath = `/krun-test-${randomBytes(6).toString('hex')}`;
    const [membership, procs, write] = await runActions(
      t,
      all(change, withLinux({ cgroupsPath })),
      ['read', '/proc/self/cgroup'],
      ['read', `/sys/fs/cgroup${cgroupsPath}/cgroup.procs`],
      ['write', `/sys/fs/cgroup${cgroupsPath}/cgroup.procs`, '1'],
    );
    t.regex(membership?.content ?? '', new RegExp(`^0::${cgroupsPath}$`, 'm'));
    t.is(procs?.content, '1\n');
    t.true([constants.errno.EROFS, constants.errno.EACCES].includes(write?.errno ?? 0)); // the owner is looked at first
  }
});

test('root of a user namespace with a writable cgroup mount rules the cgroups below its own, and no limit', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const corner = makeCorner(t);
  const writable: ConfigChange = (config) => ({
    ...config,
    mounts: (config.mounts ?? []).map((mount) =>
      mount.destination === '/sys/fs/cgroup' ? { ...mount, options: ['nosuid', 'rw'] } : mount,
    ),
  });
  const script = `cd /sys/fs/cgroup && mkdir inner && echo $$ >inner/cgroup.procs && echo +pids >cgroup.subtree_control;
    cat /proc/self/cgroup | /bin/busybox grep ^0::; /bin/busybox grep . cgroup.subtree_control; echo 1 >cgroup.max.depth`;
  const change = all(
    withUserNamespace(),
    writable,
    withLinux({ cgroupsPath: `${corner.path}/c` }),
    withProcess({ args: ['/bin/sh', '-c', script] }),
  );
  const { stdout, stderr } = await runBundle(t, change);
  t.regex(stdout, /^0::\/inner$/m, stderr);
  if (hostFacts.cgroup2?.look('/').controllers.includes('pids')) t.regex(stdout, /^pids$/m, stderr);
  t.regex(stderr, /can't create cgroup\.max\.depth: Permission denied/, 'its limits are not its own');
  t.false(existsSync(`${corner.directory}/c`));
});

test('a device may be made but not opened unless a rule allows it, and of several rules the last that fits counts', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const names = ['CAP_MKNOD'];
  const capable = withProcess({ capabilities: { bounding: names, permitted: names, effective: names } });
  const devices = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
    { allow: true, type: 'c', major: 1, minor: 1, access: 'r' },
    { allow: false, type: 'c', major: 1, minor: 1, access: 'r' },
  ] as const;
  const outcomes = await runActions(
    t,
    all(writableRoot, capable, withLinux({ resources: { devices } })),
    ['mknod', '/tmp/fuse', 'c', '10', '229'],
    ['mknod', '/tmp/mem', 'c', '1', '1'],
    ['mknod', '/tmp/loop', 'b', '7', '1'],
    ['open-device', '/tmp/fuse', String(files.O_RDONLY)],
    ['open-device', '/tmp/fuse', String(files.O_RDWR)],
    ['open-device', '/tmp/mem'],
    ['open-device', '/tmp/loop'],
    ['open-device', '/dev/zero', String(files.O_RDWR)],
  );
  t.deepEqual(
    outcomes.map(({ errno }) => errno === EPERM),
    [false, false, false, false, true, true, true, false], // ENXIO, where the kernel has no FUSE, is no denial
  );
});

test('without any rule devices are denied all the same, and the default ones allowed', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const names = ['CAP_MKNOD'];
  const capable = withProcess({ capabilities: { bounding: names, permitted: names, effective: names } });
  const outcomes = await runActions(
    t,
    all(writableRoot, capable, withLinux({ resources: {} })),
    ['mknod', '/tmp/kmsg', 'c', '1', '11'],
    ['open-device', '/tmp/kmsg'],
    ['open-device', '/dev/null', String(files.O_RDWR)],
    ['open-device', '/dev/tty'],
  );
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [0, EPERM, 0, constants.errno.ENXIO],
  );
});

test('a device of linux.devices can be made but is only usable if a rule allows it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const devices = [{ path: '/dev/mem', type: 'c', major: 1, minor: 1 }] as const;
  const [denied] = await runActions(t, withLinux({ devices }), ['open-device', '/dev/mem']);
  t.is(denied?.errno, EPERM);
});

test('a limit without its controller is E_NO_CONTROLLER at its place, and nothing has been made', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const corner = makeCorner(t);
  const available = readFileSync(join(corner.directory, 'cgroup.controllers'), 'utf8');
  if (skipUnless(t, 'a cgroup2 without the pids controller', !available.includes('pids'))) return;
  const { status, stderr } = await runBundle(t, withLinux({ cgroupsPath: `${corner.path}/c`, resources: { pids: { limit: 5n } } }));
  t.is(status, 1);
  t.regex(stderr, /pids[\s\S]*config\.json#\/linux\/resources\/pids[\s\S]*code: E_NO_CONTROLLER/);
  t.false(existsSync(`${corner.directory}/c`));
});

test('a cgroup path that leaves the tree is E_BAD_CGROUP', async (t) => {
  for (const cgroupsPath of ['/a/../../x', '../x']) {
    const { status, stderr } = await runBundle(t, withLinux({ cgroupsPath }));
    t.is(status, 1);
    t.regex(stderr, /code: E_BAD_CGROUP/, stderr);
  }
});

test('--cgroup-manager disabled leaves the process in the cgroup of the caller', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const bundle = await makeBundle(t, (config) => ({
    ...withoutNamespaces('cgroup')(config),
    mounts: [{ destination: '/proc', type: 'proc' }],
  }));
  const { stdout, stderr } = await runKrun(['--cgroup-manager', 'disabled', 'run', '--bundle', bundle.path, bundle.id]);
  t.is(stderr, '');
  const { cgroup } = JSON.parse(stdout) as ProbeReport;
  t.is(/^0::(.*)$/m.exec(cgroup ?? '')?.[1], cgroupOf(process.pid));
});

function cgroupOf(pid: number): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
}

async function initOf({ bundle }: RunningContainer): Promise<number> {
  return (JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number }).pid;
}

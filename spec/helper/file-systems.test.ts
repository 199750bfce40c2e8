// Plans of runtime/plan/file-systems.ts, carried out by the real helper: what the container then has mounted.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { layeredRoot } from '../../runtime/overlay/layered-root.ts';
import type { FileSystemContext } from '../../runtime/plan/file-system-context.ts';
import { planFileSystems } from '../../runtime/plan/file-systems.ts';
import { planNamespaces } from '../../runtime/plan/namespaces.ts';
import type { Plan } from '../../runtime/plan/ops.ts';
import { baseConfig } from '../support/bundle.ts';
import { privilegedContext } from '../support/plan-context.ts';
import type { Outcome, ProbeReport, SeenMount } from '../support/probe.ts';
import { makeStage, snapshot } from '../support/rootfs-plan.ts';
import { type PlanOptions, runPlan } from '../support/run-plan.ts';
import { nobodysIds } from '../support/run-process.ts';

test('the file systems of the default configuration are as it says', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const before = await snapshot(stage.rootfs);
  const { mounts, devices } = await report(t, baseConfig(), { bundle: join(stage.rootfs, '..') });
  const seen = (mounts ?? []).filter(({ destination }) => !/^\/(proc|sys)\/(?!fs\/cgroup)/.test(destination));
  t.deepEqual(seen.map(({ destination, type, options }) => `${destination} ${type} ${options.join(',')}`).slice(1), [
    '/proc proc rw,relatime',
    '/dev tmpfs rw,nosuid',
    '/dev/pts devpts rw,nosuid,noexec,relatime',
    '/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime',
    '/dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime',
    '/sys sysfs ro,nosuid,nodev,noexec,relatime',
    '/sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec,relatime',
  ]);
  t.true(seen[0]?.options.includes('ro'));
  t.deepEqual([...new Set(mounts?.flatMap(({ propagation }) => propagation))], []);
  for (const path of ['/proc/bus', '/proc/sys', '/proc/kcore', '/sys/firmware']) {
    const [mount] = at(mounts, path);
    if (mount !== undefined) t.true(mount.options.includes('ro') || mount.type === 'devtmpfs', path);
  }
  t.like(devices?.null, { type: 'c', major: 1, minor: 3, mode: 0o666 });
  t.like(devices?.ptmx, { type: 'l', target: 'pts/ptmx' });
  t.deepEqual(await snapshot(stage.rootfs), before, 'nothing stays in the rootfs');
  await stage.assertHostUnchanged();
});

test('binds, read-only tmpfs, layers and a shared root are as the options say', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const bundle = join(stage.rootfs, '..');
  await mkdir(join(bundle, 'data'));
  await writeFile(join(bundle, 'file'), 'from the bundle');
  const config: Config = {
    ...baseConfig(),
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc' },
      { destination: '/data', source: 'data', options: ['rbind', 'rro', 'nosuid', 'noatime'] },
      { destination: '/etc/file', source: 'file', options: ['bind', 'rprivate'] },
      { destination: '/run', type: 'tmpfs', options: ['ro', 'mode=700'] },
      { destination: '/run/below', type: 'tmpfs' },
      { destination: '/dev', source: '/dev', options: ['rbind', 'rslave'] },
      { destination: '/run/below', options: ['remount', 'noexec'] },
    ],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], rootfsPropagation: 'shared' },
  };
  const layers = layeredRoot(stage.rootfs, { ephemeral: true, overlay: null });
  const before = await snapshot(stage.rootfs);
  const { mounts } = await report(t, config, { bundle, layers });
  t.like(at(mounts, '/')[0], { type: 'overlay' });
  t.true(at(mounts, '/')[0]?.options.includes('ro'));
  t.regex(at(mounts, '/')[0]?.propagation.join() ?? '', /^shared:/);
  t.like(at(mounts, '/data')[0], { options: ['ro', 'nosuid', 'noatime'], propagation: [] });
  t.is(at(mounts, '/etc/file').length, 1);
  t.true(at(mounts, '/run')[0]?.options.includes('ro'));
  t.true(at(mounts, '/run/below')[0]?.options.includes('noexec'));
  t.deepEqual(await snapshot(stage.rootfs), before, 'nothing stays in the rootfs');
  await stage.assertHostUnchanged();
});

const mapped: Config['linux'] = {
  ...baseConfig().linux,
  namespaces: (['pid', 'ipc', 'uts', 'mount', 'user'] as const).map((type) => ({ type })),
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
};

test("in a user namespace the host's devices, /sys and cgroup are bound", async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const bundle = join(stage.rootfs, '..');
  const config: Config = {
    ...baseConfig(),
    root: { path: 'rootfs' },
    linux: mapped,
    mounts: [...(baseConfig().mounts ?? []), { destination: '/mnt', source: 'data', options: ['bind', 'idmap'] }],
  };
  await mkdir(join(bundle, 'data'));
  await makeMountPoints(stage.rootfs);
  const cgroup = await hostCgroup();
  const { mounts, devices } = await report(t, config, { bundle, cgroup, cgroup2: cgroup?.mountpoint ?? null });
  t.like(devices?.null, { type: 'c', major: 1, minor: 3 });
  t.is(at(mounts, '/dev/null').length, 1);
  for (const mount of mounts?.filter(({ destination }) => destination.startsWith('/sys')) ?? [])
    t.true(mount.options.includes('ro'), mount.destination);
  t.like(at(mounts, '/sys/fs/cgroup').at(-1), { type: 'cgroup2' });
  t.true(at(mounts, '/mnt')[0]?.options.includes('idmapped'));
  await stage.assertHostUnchanged();
});

test('without privileges everything is mounted by the child, in its own user namespace', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const bundle = join(stage.rootfs, '..');
  const nobody = [{ containerID: 0, hostID: 65534, size: 1 }];
  const mounts = (baseConfig().mounts ?? [])
    .filter(({ type }) => type !== 'cgroup')
    .map((mount) => ({ ...mount, options: (mount.options ?? []).filter((option) => option !== 'gid=5') }));
  const config: Config = {
    ...baseConfig(),
    root: { path: 'rootfs' },
    mounts: [...mounts, { destination: '/mnt', source: 'data', options: ['rbind', 'ro'] }],
    linux: { ...mapped, uidMappings: nobody, gidMappings: nobody },
  };
  await mkdir(join(bundle, 'data'));
  await makeMountPoints(stage.rootfs);
  const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const seen = await report(t, config, { bundle, privileged: false, cgroup: null }, { wrapper });
  t.like(seen.devices?.null, { type: 'c', major: 1, minor: 3 });
  t.true(at(seen.mounts, '/mnt')[0]?.options.includes('ro'));
  t.true(at(seen.mounts, '/proc').length === 1);
  await stage.assertHostUnchanged();
});

test('a node of the host that is another device is refused', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const config: Config = {
    ...baseConfig(),
    mounts: [],
    linux: { ...mapped, devices: [{ type: 'c', path: '/dev/null', major: 1, minor: 5 }] },
  };
  const { failure } = await runPlan(startPlan(config, { bundle: join(stage.rootfs, '..') }));
  t.like(failure, { op: 'openDevice', pointer: '/linux/devices/0', errno: 19, path: '/dev/null', detail: 'type=020000 device=1:3' });
});

// What the container's root could make itself, were the rootfs its own.
async function makeMountPoints(rootfs: string): Promise<void> {
  for (const path of ['data', 'dev/pts']) await mkdir(join(rootfs, path), { recursive: true });
}

// The cgroup2 mount's root stands for the container's cgroup.
async function hostCgroup(): Promise<FileSystemContext['cgroup']> {
  const line = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').find((text) => text.includes(' - cgroup2 '));
  return line === undefined ? null : { mountpoint: line.split(' ')[4] ?? '', path: '/' };
}

async function report(
  t: ExecutionContext,
  config: Config,
  context: Partial<FileSystemContext>,
  options: PlanOptions = {},
): Promise<ProbeReport> {
  const { failure, stdout, stderr } = await runPlan(startPlan(config, context), options);
  t.is(failure, null, stderr);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as ProbeReport & Outcome;
}

function startPlan(config: Config, context: Partial<FileSystemContext>): Plan {
  const whole = { ...privilegedContext, ...context };
  const namespaces = planNamespaces(config, { ...whole, host: { idMaps: nobodysIds } });
  const files = planFileSystems(config, whole);
  const program: Plan = [
    ...files.root,
    ...files.seal,
    ...files.pivot,
    ...files.after,
    { op: 'findProgram', pointer: '', name: '/probe', searchPath: '' },
    { op: 'execute', pointer: '', arguments: ['/probe'], environment: [] },
  ];
  return [
    ...namespaces.host,
    ...files.host,
    ...namespaces.start({ program, cgroup: null, early: [] }),
    { op: 'waitForExecute', pointer: '' },
    { op: 'wait', pointer: '' },
  ];
}

function at(mounts: readonly SeenMount[] | null, path: string): readonly SeenMount[] {
  return (mounts ?? []).filter(({ destination }) => destination === path);
}

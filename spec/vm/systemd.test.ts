// --systemd-cgroup with a systemd: what it makes, shows, keeps and removes. One after the other: what a dozen at once cost is not asked.
import { existsSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config, Resources } from '../../runtime/config/config.ts';
import { type Bundle, type Change, makeBundle } from '../support/bundle.ts';
import { until } from '../support/cgroups.ts';
import { type KrunResult, krunBinary, removeContainer, runKrun, withArguments } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const hasSystemd = existsSync('/run/systemd/system');

test.serial('limits are properties of the scope and values of its cgroup', async (t) => {
  const scope = await startScope(t, {
    memory: { limit: 64n << 20n, reservation: 8n << 20n },
    pids: { limit: 50n },
    cpu: { shares: 512n, quota: 33_333n, period: 100_000n, cpus: '0' },
    blockIO: { weight: 100 },
    unified: { 'memory.high': '48M', 'memory.oom.group': '1' },
  });
  if (scope === null) return;
  t.deepEqual(
    await scope.show('MemoryMax', 'MemoryHigh', 'MemoryLow', 'TasksMax', 'CPUWeight', 'CPUQuotaPerSecUSec', 'AllowedCPUs', 'IOWeight'),
    {
      MemoryMax: String(64 << 20),
      MemoryHigh: String(48 << 20),
      MemoryLow: String(8 << 20),
      TasksMax: '50',
      CPUWeight: '59',
      CPUQuotaPerSecUSec: '340ms',
      AllowedCPUs: '0',
      IOWeight: '910',
    },
  );
  t.deepEqual(
    scope.read('memory.max', 'memory.high', 'memory.low', 'pids.max', 'cpu.weight', 'cpu.max', 'cpuset.cpus', 'memory.oom.group'),
    [String(64 << 20), String(48 << 20), String(8 << 20), '50', '59', '33333 100000', '0', '1'],
  );
  t.deepEqual(await scope.show('Delegate', 'Slice', 'ActiveState', 'Transient', 'CollectMode'), {
    Delegate: 'yes',
    Slice: 'system.slice',
    ActiveState: 'active',
    Transient: 'yes',
    CollectMode: 'inactive-or-failed',
  });
  await scope.remove();
});

test.serial('a container is in its scope alone, from its birth; the process that the scope was made around has gone', async (t) => {
  const scope = await startScope(t, {});
  if (scope === null) return;
  const { pid } = JSON.parse((await runKrun(['state', scope.bundle.id])).stdout) as { pid: number };
  t.deepEqual(scope.read('cgroup.procs'), [String(pid)]);
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${scope.path}\n`);
  await scope.remove();
});

test.serial('daemon-reload leaves limits and device rules as they are, the ones that systemd does not know too', async (t) => {
  const scope = await startScope(
    t,
    {
      memory: { limit: 64n << 20n },
      cpu: { quota: 33_333n, burst: 1000n },
      pids: { limit: 20n },
      unified: { 'memory.oom.group': '1' },
      devices: [{ allow: false, access: 'rwm' }],
    },
    withNode,
  );
  if (scope === null) return;
  const files = ['memory.max', 'cpu.max', 'cpu.max.burst', 'pids.max', 'memory.oom.group'] as const;
  const before = scope.read(...files);
  const devices = () => runKrun(['exec', scope.bundle.id, '/bin/cat', '/dev/kmsg-of-test']);
  t.regex((await devices()).stderr, /Operation not permitted/);
  await execa('systemctl', ['daemon-reload']);
  t.deepEqual(scope.read(...files), before);
  t.regex((await devices()).stderr, /Operation not permitted/);
  // Another property has systemd write all the others of the controller anew, in its own grain: whole percents of a CPU, rounded up.
  await execa('systemctl', ['set-property', '--runtime', scope.unit, 'MemoryHigh=32M']);
  await until(() => scope.read('memory.high')[0] === String(32 << 20));
  t.deepEqual(scope.read('memory.max', 'cpu.max.burst', 'pids.max', 'memory.oom.group'), [String(64 << 20), '1000', '20', '1']);
  t.regex(scope.read('cpu.max')[0] ?? '', /^(33333|34000) 100000$/);
  t.regex((await devices()).stderr, /Operation not permitted/);
  await scope.remove();
});

test.serial('update changes properties and files, and takes both back when a value is refused', async (t) => {
  const scope = await startScope(t, { memory: { limit: 64n << 20n }, pids: { limit: 50n } });
  if (scope === null) return;
  const { id } = scope.bundle;
  t.like(await runKrun(['update', '--memory', '128m', '--cpu-quota', '25000', '--cpuset-cpus', '1', id]), { status: 0, stderr: '' });
  const names = ['MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec', 'AllowedCPUs'] as const;
  const changed = { MemoryMax: String(128 << 20), TasksMax: '50', CPUQuotaPerSecUSec: '250ms', AllowedCPUs: '1' };
  t.deepEqual(await scope.show(...names), changed);
  t.deepEqual(scope.read('memory.max', 'cpu.max', 'cpuset.cpus'), [String(128 << 20), '25000 100000', '1']);
  const refused = await runKrun(['update', '--pids-limit', '10', '--cpuset-mems', '7', id]);
  t.is(refused.status, 1);
  t.deepEqual(await scope.show(...names), changed);
  t.deepEqual(scope.read('pids.max'), ['50']);
  await scope.remove();
});

test.serial('exec runs in the scope, and below it where --cgroup says', async (t) => {
  const scope = await startScope(t, {});
  if (scope === null) return;
  const { id } = scope.bundle;
  const inside = ['/bin/sh', '-c', 'cat /proc/self/cgroup'];
  t.is((await runKrun(['exec', id, ...inside])).stdout.trim(), '0::/');
  await execa('mkdir', [`${scope.directory}/below`]);
  t.is((await runKrun(['exec', '--cgroup', 'below', id, ...inside])).stdout.trim(), '0::/below');
  await scope.remove();
});

test.serial('pause and resume work by the scope', async (t) => {
  const scope = await startScope(t, {});
  if (scope === null) return;
  const { id } = scope.bundle;
  t.is((await runKrun(['pause', id])).status, 0);
  t.like(JSON.parse((await runKrun(['state', id])).stdout), { status: 'paused' });
  t.is(scope.read('cgroup.freeze')[0], '1');
  t.is((await runKrun(['resume', id])).status, 0);
  await scope.remove();
});

test.serial('a foreground run leaves no unit, and neither does one that is killed', async (t) => {
  if (skipUnless(t, 'systemd', hasSystemd)) return;
  const bundle = await makeBundle(t, (config) => withArguments(config, ['/bin/false']));
  t.is((await runKrun(['--systemd-cgroup', 'run', '-b', bundle.path, bundle.id])).status, 1);
  t.is(await loadState(`krun-${bundle.id}.scope`), 'not-found');
  t.is((await runKrun(['--systemd-cgroup', 'run', '-b', bundle.path, bundle.id])).status, 1, 'the name is free at once');
  const sleeping = await makeBundle(t, (config) => withArguments(config, ['/bin/sleep', '1000']));
  const child = execa(krunBinary, ['--systemd-cgroup', 'run', '-b', sleeping.path, sleeping.id], { reject: false, stdio: 'ignore' });
  t.teardown(() => removeContainer(sleeping.id));
  await untilAsync(async () => (await runKrun(['state', sleeping.id])).stdout.includes('"running"'));
  child.kill('SIGKILL');
  await child;
  t.is(await loadState(`krun-${sleeping.id}.scope`), 'loaded');
  t.is((await runKrun(['delete', '--force', sleeping.id])).status, 0);
  t.is(await loadState(`krun-${sleeping.id}.scope`), 'not-found');
});

test.serial('gc removes the scope of a container whose processes have gone', async (t) => {
  const scope = await startScope(t, {});
  if (scope === null) return;
  await runKrun(['kill', scope.bundle.id, 'KILL']);
  await untilAsync(async () => (await runKrun(['state', scope.bundle.id])).stdout.includes('"stopped"'));
  t.regex((await runKrun(['gc', scope.bundle.id])).stdout, /^removed /);
  t.is(await loadState(scope.unit), 'not-found');
  t.false(existsSync(scope.directory));
});

test.serial('a failed scope of the same name is cleared away first', async (t) => {
  if (skipUnless(t, 'systemd', hasSystemd)) return;
  const bundle = await makeBundle(t, (config) => withArguments(config, ['/bin/true']));
  const unit = `krun-${bundle.id}.scope`;
  // A scope that runs too long, and whose process is killed for it, is kept as failed.
  await execa('systemd-run', ['--scope', '--unit', unit, '-p', 'RuntimeMaxSec=1', '/bin/sleep', '1000'], { reject: false });
  await untilAsync(async () => (await property(unit, 'ActiveState')) === 'failed');
  t.like(await runKrun(['--systemd-cgroup', 'run', '-b', bundle.path, bundle.id]), { status: 0, stderr: '' });
  t.is(await loadState(unit), 'not-found');
});

test.serial("somebody else's scope of the same name is left alone", async (t) => {
  if (skipUnless(t, 'systemd', hasSystemd)) return;
  const bundle = await makeBundle(t);
  const unit = `krun-${bundle.id}.scope`;
  const other = execa('systemd-run', ['--scope', '--unit', unit, '/bin/sleep', '1000'], { reject: false });
  t.teardown(() => execa('systemctl', ['stop', unit], { reject: false }));
  await untilAsync(async () => (await property(unit, 'ActiveState')) === 'active');
  const { status, stderr } = await runKrun(['--systemd-cgroup', 'run', '-b', bundle.path, bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /code: E_BAD_CGROUP/);
  t.regex(stderr, /exists/);
  t.is(await property(unit, 'ActiveState'), 'active');
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  t.is(await property(unit, 'ActiveState'), 'active');
  await execa('systemctl', ['stop', unit]);
  await other;
});

test.serial('cgroupsPath names slice, prefix and name; the state finds the scope without the flag', async (t) => {
  const scope = await startScope(
    t,
    {},
    (config) => ({ ...config, linux: { ...config.linux, cgroupsPath: 'krun-spec.slice:pre:name' } }),
    'pre-name.scope',
  );
  if (scope === null) return;
  t.is(scope.path, '/krun.slice/krun-spec.slice/pre-name.scope');
  t.like(await scope.show('Slice'), { Slice: 'krun-spec.slice' });
  await scope.remove();
});

test.serial('a container without a cgroup namespace sees its scope', async (t) => {
  const shared: Change = (config) => ({
    ...config,
    linux: { ...config.linux, namespaces: (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup') },
    mounts: [...(config.mounts ?? []), { destination: '/mnt', type: 'cgroup', source: 'cgroup', options: ['ro'] }],
  });
  const scope = await startScope(t, { pids: { limit: 33n } }, shared);
  if (scope === null) return;
  t.is((await runKrun(['exec', scope.bundle.id, '/bin/cat', `/mnt${scope.path}/pids.max`])).stdout.trim(), '33');
  await scope.remove();
});

test.serial('annotations set what they may, and a warning tells of the others', async (t) => {
  const annotations = { 'org.systemd.property.TimeoutStopSec': '5', 'org.systemd.property.MemoryMax': 'uint64 4096' };
  const scope = await startScope(t, {}, (config) => ({ ...config, annotations }));
  if (scope === null) return;
  t.deepEqual(await scope.show('TimeoutStopUSec', 'MemoryMax'), { TimeoutStopUSec: '5s', MemoryMax: 'infinity' });
  await scope.remove();
});

const withNode: Change = (config) => ({
  ...config,
  linux: { ...config.linux, devices: [{ path: '/dev/kmsg-of-test', type: 'c', major: 1, minor: 11 }] },
});

interface Scope {
  readonly bundle: Bundle;
  readonly unit: string;
  readonly path: string;
  readonly directory: string;
  readonly show: (...names: readonly string[]) => Promise<Record<string, string>>;
  readonly read: (...files: readonly string[]) => string[];
  /** Deletes the container, and sees to it that the unit has gone. */
  readonly remove: () => Promise<void>;
}

/** A container that sleeps, detached, in a scope; null where there is no systemd. */
async function startScope(
  t: ExecutionContext,
  resources: Resources,
  change: Change = (config) => config,
  name?: string,
): Promise<Scope | null> {
  if (skipUnless(t, 'systemd', hasSystemd)) return null;
  const bundle = await makeBundle(t, (config) => change(withResources(withArguments(config, ['/bin/sleep', '1000']), resources)));
  t.teardown(() => removeContainer(bundle.id));
  const started = await runKrun(['--systemd-cgroup', '--log', `${bundle.path}/log`, 'run', '-d', '-b', bundle.path, bundle.id], {
    stdio: 'ignore',
  });
  if (started.status !== 0) t.log(readLog(bundle, started));
  t.is(started.status, 0);
  const unit = name ?? `krun-${bundle.id}.scope`;
  const path = await property(unit, 'ControlGroup');
  const directory = `/sys/fs/cgroup${path}`;
  return {
    bundle,
    unit,
    path,
    directory,
    show: async (...names) => Object.fromEntries(await Promise.all(names.map(async (each) => [each, await property(unit, each)]))),
    read: (...files) => files.map((file) => readFileSync(`${directory}/${file}`, 'utf8').trim()),
    remove: async () => {
      t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
      t.is(await loadState(unit), 'not-found');
      t.false(existsSync(directory));
    },
  };
}

function withResources(config: Config, resources: Resources): Config {
  return { ...config, linux: { ...config.linux, resources } };
}

function readLog(bundle: Bundle, { stderr }: KrunResult): string {
  return existsSync(`${bundle.path}/log`) ? readFileSync(`${bundle.path}/log`, 'utf8') : stderr;
}

async function property(unit: string, name: string): Promise<string> {
  return (await execa('systemctl', ['show', '--value', '-p', name, unit])).stdout.trim();
}

function loadState(unit: string): Promise<string> {
  return property(unit, 'LoadState');
}

async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition()); ) if (Date.now() > deadline) throw new Error('never came true');
}

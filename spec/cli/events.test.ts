import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { hostFacts, isAwaitingChange, skipWithoutCgroups, until } from '../support/cgroups.ts';
import { withLinux, withProcess } from '../support/change-config.ts';
import { krunBinary, removeContainer, runKrun, startContainer } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

interface Event {
  readonly type: string;
  readonly id: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

function follow(t: ExecutionContext, ...args: readonly string[]) {
  const child = spawn(krunBinary, ['events', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? null : (JSON.parse(value) as Event);
  };
  return { child, next, ended: once(child, 'exit') };
}

test('events --stats prints the statistics once, in the shape that engines decode', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  const { stdout, status } = await runKrun(['events', '--stats', id]);
  t.is(status, 0);
  const event = JSON.parse(stdout) as Event;
  t.like(event, { type: 'stats', id });
  t.deepEqual(Object.keys(event.data ?? {}), ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces']);
  t.like(event.data, { pids: { current: 1 } });
  const { usage } = (event.data?.cpu ?? { usage: { total: 0 } }) as { usage: { total: number } };
  t.true(usage.total > 0);
});

test('events prints a line at each interval and ends with the container, by 0', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const container = await startContainer(t);
  const { id } = container.bundle;
  const events = follow(t, '--interval', '100ms', id);
  for (let count = 0; count < 3; count++) t.like(await events.next(), { type: 'stats', id });
  container.end();
  await container.result;
  while ((await events.next()) !== null);
  t.deepEqual(await events.ended, [0, null]);
});

test('events ends at once when the container does, however long the interval is', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const container = await startContainer(t);
  const events = follow(t, '--interval', '1h', container.bundle.id);
  await until(() => isAwaitingChange(events.child.pid ?? 0));
  container.end();
  t.is(await events.next(), null);
  t.deepEqual(await events.ended, [0, null]);
});

test('events goes on through a pause, and a signal ends it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  await runKrun(['pause', id]);
  const events = follow(t, '--interval=50ms', id);
  t.like(await events.next(), { type: 'stats' });
  events.child.kill('SIGTERM');
  t.deepEqual(await events.ended, [143, null]);
  await runKrun(['resume', id]);
});

test('a kill for want of memory is an event of its own', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const hasMemory = hostFacts.cgroup2?.look('/').controllers.includes('memory') ?? false;
  if (skipUnless(t, 'the cgroup controller memory on v2', hasMemory)) return;
  const script = 'read -r go; sh -c "x=a; while :; do x=\\$x\\$x; done"; read -r end';
  const limited = withLinux({ resources: { memory: { limit: 8n << 20n, swap: 8n << 20n } } });
  const bundle = await makeBundle(t, (config) => limited(withProcess({ args: ['/bin/sh', '-c', script] })(config)));
  const run = spawn(krunBinary, ['run', '--bundle', bundle.path, bundle.id], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.teardown(() => removeContainer(bundle.id));
  for (let found = false; !found; ) found = (await runKrun(['state', bundle.id])).stdout.includes('"running"');
  const events = follow(t, '--interval', '1h', bundle.id);
  run.stdin?.write('go\n');
  t.deepEqual(await events.next(), { type: 'oom', id: bundle.id });
  run.stdin?.end();
});

test('an interval that is none is E_USAGE', async (t) => {
  const { id } = await makeBundle(t);
  for (const interval of ['5', '0s', 'soon']) t.regex((await runKrun(['events', '--interval', interval, id])).stderr, /E_USAGE/);
});

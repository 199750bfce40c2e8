// What engines take over a socket and decode: terminals by --console-socket, statistics by go-runc's types.
import test, { type ExecutionContext } from 'ava';
import { isRoot, withProcess } from '../support/change-config.ts';
import { skipUnless } from '../support/skip.ts';
import { listen } from '../support/socket-listener.ts';
import { type Driver, makeDriver } from './lifecycle/driver.ts';
import { others, type RuntimeName } from './runtimes.ts';
import { makeWorld, type World } from './world.ts';

const canCompare = isRoot && others.length === 2;
let world: World;

test.before(async () => {
  if (canCompare) world = await makeWorld();
});

test.after.always(async () => {
  await world?.end();
});

const atTerminal = withProcess({ terminal: true, consoleSize: { height: 12, width: 34 }, args: ['/bin/sh'] });

test('create and exec hand their terminals over as runc and crun do', async (t) => {
  if (skipUnless(t, 'root, runc and crun', canCompare)) return;
  const ours = await handOver(t, await makeDriver(t, 'krun', world, atTerminal));
  t.like(ours, { terminal: true, count: 1, rows: 12, columns: 34 });
  for (const other of others) t.deepEqual(await handOver(t, await makeDriver(t, other, world, atTerminal)), ours, other);
});

async function handOver(t: ExecutionContext, driver: Driver) {
  const first = await listen(t, driver.directory, 'first');
  const created = await driver.run('create --bundle BUNDLE --pid-file DIR/pid --console-socket DIR/first ID');
  t.is(created.status, 0, created.stderr);
  const { name, rows, columns, count, terminal } = JSON.parse(await first.lines()) as Record<string, unknown>;
  t.is((await driver.run('start ID')).status, 0);
  first.type('busybox stty -a | busybox head -n 1; busybox tty; echo I am $((40 + 2))\r');
  const shown = await showing(first.lines, /^I am 42/);

  const second = await listen(t, driver.directory, 'second');
  const exec = await driver.run('exec --detach --tty --console-socket DIR/second ID sh -c busybox\ttty;echo\tI\tam\t$((40+2))');
  t.is(exec.status, 0, exec.stderr);
  const { terminal: another } = JSON.parse(await second.lines()) as Record<string, unknown>;
  const shownByExec = await showing(second.lines, /^I am 42/);
  return { named: typeof name === 'string' && name.length > 0, rows, columns, count, terminal, another, shown, shownByExec };
}

// Without what was typed, which is echoed in pieces.
async function showing(lines: () => Promise<string>, last: RegExp): Promise<string[]> {
  const shown: string[] = [];
  do shown.push((await lines()).trimEnd());
  while (!last.test(shown.at(-1) ?? ''));
  return shown.filter((line) => /^(speed|\/dev|I am)/.test(line));
}

// containerd/go-runc events.go: what is not there is zero, what is of another type is an error.
const entry = { limit: 'number', usage: 'number', max: 'number', failcnt: 'number' };
const operations = [{ major: 'number', minor: 'number', op: 'string', value: 'number' }];
const stats = {
  cpu: {
    usage: { total: 'number', percpu: ['number'], kernel: 'number', user: 'number' },
    throttling: { periods: 'number', throttledPeriods: 'number', throttledTime: 'number' },
  },
  memory: { cache: 'number', usage: entry, swap: entry, kernel: entry, kernelTCP: entry, raw: { '*': 'number' } },
  pids: { current: 'number', limit: 'number' },
  blkio: Object.fromEntries(
    ['ioServiceBytes', 'ioServiced', 'ioQueue', 'ioServiceTime', 'ioWaitTime', 'ioMerged', 'ioTime', 'sectors'].map((name) => [
      `${name}Recursive`,
      operations,
    ]),
  ),
  hugetlb: { '*': { usage: 'number', max: 'number', failcnt: 'number' } },
  network_interfaces: null,
};

test('events --stats has the types that containerd decodes, as those of runc', async (t) => {
  if (skipUnless(t, 'root, runc and crun', canCompare)) return;
  for (const runtime of ['krun', 'runc'] as const satisfies RuntimeName[]) {
    const driver = await makeDriver(t, runtime, world, withProcess({ args: ['/bin/sleep', '1000'] }));
    t.is((await driver.run('run -d --bundle BUNDLE ID')).status, 0);
    const { status, stdout, stderr } = await driver.run('events --stats ID');
    t.is(status, 0, stderr);
    const { type, id, data } = JSON.parse(stdout) as Record<string, unknown>;
    t.deepEqual([type, id], ['stats', driver.bundle.id]);
    t.deepEqual(mistaken(data, stats, 'data'), [], runtime);
  }
  t.deepEqual(mistaken({ pids: { current: '1' }, hugetlb: { '2MB': [] } }, stats, 'data'), ['data.pids.current', 'data.hugetlb.2MB']);
});

// The places where a value is of another type than Go's; what Go does not know it leaves out.
function mistaken(value: unknown, type: unknown, place: string): string[] {
  if (type === undefined || type === null || value === null) return [];
  if (typeof type === 'string') return typeof value === type ? [] : [place];
  if (Array.isArray(type)) return Array.isArray(value) ? value.flatMap((item, at) => mistaken(item, type[0], `${place}.${at}`)) : [place];
  if (typeof value !== 'object' || Array.isArray(value)) return [place];
  const types = type as Record<string, unknown>;
  return Object.entries(value as object).flatMap(([key, inner]) => mistaken(inner, types[key] ?? types['*'], `${place}.${key}`));
}

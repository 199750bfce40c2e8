import { existsSync, readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Containerd, image, startContainerd } from '../../support/containerd.ts';
import { atTerminal, call, type Done, eventually, installed, lacksEngine, succeed } from '../../support/engine.ts';

// ctr asks containerd for the runtime io.containerd.runc.v2 with krun as its binary: the shim then calls krun where it would call runc.

let containerd: Containerd;
const namespace = 'krun-test';
const withKrun = ['--runc-binary', installed];

test.before(async (t) => {
  if (await lacksContainerd(t)) return;
  containerd = await startContainerd(namespace);
});

test.after.always(async () => containerd?.stop());

function lacksContainerd(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'containerd', 'containerd-shim-runc-v2', 'ctr');
}

function ctrCommand(...args: readonly string[]): string[] {
  return ['--address', containerd.address, '--namespace', namespace, ...args];
}

function ctr(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  return succeed(t, 'ctr', ctrCommand(...args));
}

function tryCtr(...args: readonly string[]): Promise<Done> {
  return call('ctr', ctrCommand(...args));
}

async function stateOf(t: ExecutionContext, id: string): Promise<string | undefined> {
  const line = (await ctr(t, 'tasks', 'list')).split('\n').find((text) => text.startsWith(`${id} `));
  return line?.trim().split(/ +/)[2];
}

test.serial('ctr run: streams and status; with a terminal; what is missing', async (t) => {
  if (await lacksContainerd(t)) return;
  const done = await tryCtr('run', '--rm', ...withKrun, image, 'streams', 'sh', '-c', 'id -u; pwd; echo complaint >&2; exit 37');
  t.is(done.out, '0\n/');
  t.is(done.status, 37, done.err);
  t.regex(done.err, /^complaint$/m);
  t.regex(
    await atTerminal(t, 'ctr', ctrCommand('run', '--rm', '--tty', ...withKrun, image, 'terminal', 'sh', '-c', 'tty')),
    /\/dev\/pts\/0\r?$/m,
  );
  const missing = await tryCtr('run', '--rm', ...withKrun, image, 'missing', 'no-such-program');
  t.is(missing.status, 1);
  t.regex(missing.err, /exec: "no-such-program": executable file not found in \$PATH/);
});

test.serial('ctr run --detach, tasks exec, ps, pause, resume, metrics, kill, delete', async (t) => {
  if (await lacksContainerd(t)) return;
  const script = 'trap "exit 3" TERM; while :; do sleep 0.2; done';
  await ctr(t, 'run', '--detach', '--memory-limit', `${64 * 2 ** 20}`, '--cpus', '0.5', ...withKrun, image, 'stays', 'sh', '-c', script);
  t.is(await stateOf(t, 'stays'), 'RUNNING');
  const states = JSON.parse(await succeed(t, installed, ['--root', containerd.stateRoot(namespace), 'list', '--format', 'json']));
  t.deepEqual(
    states.map(({ id, status }: { id: string; status: string }) => [id, status]),
    [['stays', 'running']],
  );

  const exec = await tryCtr('tasks', 'exec', '--exec-id', 'one', '--cwd', '/tmp', 'stays', 'sh', '-c', 'pwd; exit 5');
  t.deepEqual([exec.status, exec.out], [5, '/tmp'], exec.err);
  t.is(await succeed(t, 'cat', [`/sys/fs/cgroup/${namespace}/stays/memory.max`]), `${64 * 2 ** 20}`);
  const screen = await atTerminal(t, 'ctr', ctrCommand('tasks', 'exec', '--tty', '--exec-id', 'two', 'stays', 'tty'));
  t.regex(screen, /\/dev\/pts\/0\r?$/m);
  t.is((await ctr(t, 'tasks', 'ps', 'stays')).split('\n').length >= 2, true);

  await ctr(t, 'tasks', 'pause', 'stays');
  t.is(await stateOf(t, 'stays'), 'PAUSED');
  await ctr(t, 'tasks', 'resume', 'stays');
  t.is(await stateOf(t, 'stays'), 'RUNNING');
  const metrics = JSON.parse(await ctr(t, 'tasks', 'metrics', '--format', 'json', 'stays'));
  t.is(Number(metrics.memory.usage_limit), 64 * 2 ** 20);
  t.true(Number(metrics.pids.current) >= 1);

  await ctr(t, 'tasks', 'kill', '--signal', 'SIGTERM', 'stays');
  await eventually('it has stopped', async () => (await stateOf(t, 'stays')) === 'STOPPED');
  t.regex((await tryCtr('tasks', 'delete', 'stays')).err, /non-zero exit code 3\b/);
  await ctr(t, 'containers', 'delete', 'stays');
});

test.serial('ctr tasks kill --all ends a container that ignores other signals, with its children', async (t) => {
  if (await lacksContainerd(t)) return;
  await ctr(
    t,
    'run',
    '--detach',
    ...withKrun,
    image,
    'family',
    'sh',
    '-c',
    'sleep 1000 & sleep 1001 & trap "" TERM; wait; wait; sleep 1002',
  );
  await ctr(t, 'tasks', 'kill', '--all', '--signal', 'SIGKILL', 'family');
  await eventually('it has stopped', async () => (await stateOf(t, 'family')) === 'STOPPED');
  t.regex((await tryCtr('tasks', 'delete', 'family')).err, /non-zero exit code 137\b/);
  await ctr(t, 'containers', 'delete', 'family');
});

test.serial('nothing is left of containerd’s containers', async (t) => {
  if (await lacksContainerd(t)) return;
  t.is(await ctr(t, 'containers', 'list', '--quiet'), '');
  const root = containerd.stateRoot(namespace);
  t.deepEqual(existsSync(root) ? readdirSync(root).filter((name) => !name.startsWith('.')) : [], []);
  const cgroup = `/sys/fs/cgroup/${namespace}`;
  t.deepEqual(existsSync(cgroup) ? readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [], []);
});

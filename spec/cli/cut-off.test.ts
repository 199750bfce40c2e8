// Each command of the lifecycle cut off at each of its ops, by SIGKILL or by a failure: nothing stays but what `gc` removes by itself, or a
// container as whole as before. With a supervisor of the test's own, for it is about a thousand calls for each shape.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Hook } from '../../runtime/config/config.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withProcess, withUserNamespace } from '../support/change-config.ts';
import { type Launched, makeLauncher } from '../support/launcher.ts';
import { cgroup2Mount } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

interface Shape {
  readonly change: ConfigChange;
  /** Of create and exec. */
  readonly terminal?: boolean;
}

const hook: Hook = { path: '/bin/true' };
const hooks = {
  prestart: [hook],
  createRuntime: [hook],
  createContainer: [hook],
  startContainer: [hook],
  poststart: [hook],
  poststop: [hook],
};

const shapes: Readonly<Record<string, Shape>> = {
  'the default': { change: (config) => config },
  'hooks of every kind': { change: (config) => ({ ...config, hooks }) },
  'a terminal': { change: withProcess({ terminal: true }), terminal: true },
  'a user namespace': { change: withUserNamespace() },
};

interface Place extends Bundle {
  readonly root: string;
  readonly run: (words: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Launched>;
  readonly create: readonly string[];
  readonly exec: readonly string[];
}

const cuts = { KRUN_TEST_KILL: 'is killed', KRUN_TEST_FAIL: 'fails' } as const;
type Cut = keyof typeof cuts;

interface Command {
  readonly words: (place: Place) => readonly string[];
  readonly before: (t: ExecutionContext, place: Place) => Promise<unknown>;
  /** What may be there afterwards: after `gc` if it was killed. */
  readonly after: Readonly<Record<Cut, readonly Status[]>>;
  /** How many ops it has at least. */
  readonly least: number;
}

type Status = 'absent' | 'creating' | 'created' | 'running' | 'stopped';

const commands: Readonly<Record<string, Command>> = {
  create: {
    words: ({ create }) => create,
    before: async () => {},
    after: { KRUN_TEST_KILL: ['absent', 'created'], KRUN_TEST_FAIL: ['absent'] },
    least: 60,
  },
  start: {
    words: ({ id }) => ['start', id],
    before: makeCreated,
    after: { KRUN_TEST_KILL: ['created', 'running', 'absent'], KRUN_TEST_FAIL: ['created', 'stopped'] },
    least: 4,
  },
  exec: { words: ({ exec }) => exec, before: makeRunning, after: { KRUN_TEST_KILL: ['running'], KRUN_TEST_FAIL: ['running'] }, least: 20 },
  'delete of a stopped container': {
    words: ({ id }) => ['delete', id],
    before: makeStopped,
    after: { KRUN_TEST_KILL: ['absent'], KRUN_TEST_FAIL: ['stopped', 'absent'] },
    least: 5,
  },
  'delete --force of a running container': {
    words: ({ id }) => ['delete', '--force', id],
    before: makeRunning,
    after: { KRUN_TEST_KILL: ['running', 'absent'], KRUN_TEST_FAIL: ['running', 'stopped', 'absent'] },
    least: 6,
  },
};

for (const [shape, settings] of Object.entries(shapes)) {
  for (const [name, command] of Object.entries(commands)) {
    for (const cut of Object.keys(cuts) as Cut[]) {
      test(`${shape}: when any op of ${name} ${cuts[cut]}, nothing half-made stays, and the id is free`, async (t) => {
        if (skipUnless(t, 'root', isRoot)) return;
        t.timeout(240_000);
        const place = await prepare(t, settings);
        let [reached, created] = [0, 0];
        for (let [index, missed] = [0, 0]; missed < 40; index++) {
          await command.before(t, place);
          const result = await place.run(command.words(place), { [cut]: String(index) });
          const isCut = cut === 'KRUN_TEST_KILL' ? result.status === -9 : result.status !== 0;
          if (isCut) created += (await check(t, place, command, cut, result, index)) === 'created' ? 1 : 0;
          else if (name === 'create') await startAfter(t, place, index);
          await place.run(['delete', '--force', place.id]);
          await assertGone(t, place, `${index}`);
          reached += isCut ? 1 : 0;
          missed = isCut ? 0 : missed + 1; // the number of an op that is not run: of an onExit program, or beyond the last
        }
        t.true(reached >= command.least, `${reached} ops`);
        t.true(created < 5, `${created} ops of ${reached} leave a created container: only the last, or the first, may`);
      });
    }
  }
}

async function check(t: ExecutionContext, place: Place, command: Command, cut: Cut, result: Launched, index: number): Promise<Status> {
  if (cut === 'KRUN_TEST_FAIL') t.regex(result.stderr, /code: E_/, `op ${index}`);
  const status = cut === 'KRUN_TEST_KILL' ? await collect(t, place, index) : await statusOf(place);
  if (/^ {2}doing: (onExit|exit)$/m.test(result.stderr)) return 'absent'; // they cannot fail by themselves, and all is done by then
  t.true(command.after[cut].includes(status), `op ${index}: ${status}\n${result.stderr}`);
  if (status === 'absent') await assertGone(t, place, `op ${index}, without delete`);
  if (status === 'running') await assertWhole(place);
  if (status === 'created') t.like(await place.run(['start', place.id]), { status: 0, stderr: '' }, `start after op ${index}`);
  return status;
}

// What init does once it is let go, such as its last hooks, comes with `create`'s numbers, and fails `start`.
async function startAfter(t: ExecutionContext, place: Place, index: number): Promise<void> {
  const { status, stderr } = await place.run(['start', place.id]);
  if (status === 0) return;
  t.regex(stderr, /code: E_/, `start after op ${index}`);
  t.is(await statusOf(place), 'stopped', `start after op ${index}`);
}

// What a killed helper has cloned holds its lock for as long as it takes to see that nobody answers.
async function collect(t: ExecutionContext, place: Place, index: number): Promise<Status> {
  for (const deadline = Date.now() + 10_000; ; ) {
    t.like(await place.run(['gc']), { status: 0, stderr: '' }, `gc after op ${index}`);
    const status = await statusOf(place);
    if (!['creating', 'stopped'].includes(status) || Date.now() > deadline) return status;
  }
}

// What ran on its way into the container has ended, or is the program by now.
async function assertWhole({ run, id }: Place): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await delay(5)) {
    const pids = JSON.parse((await run(['ps', '--format', 'json', id])).stdout) as number[];
    const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'sleep\n')));
    if (pids.length > 0 && names.every((name) => name === 'sleep\n')) return;
    if (Date.now() > deadline) throw new Error(`half-made processes stay: ${names}`);
  }
}

async function prepare(t: ExecutionContext, { change, terminal = false }: Shape): Promise<Place> {
  const bundle = await makeBundle(t, all(withProcess({ args: ['/bin/sleep', '1000'] }), change));
  const root = join(bundle.path, 'state');
  const launcher = await makeLauncher(t, 1);
  const run: Place['run'] = (words, env) => launcher.run(['--root', root, ...words], env);
  const socket = terminal ? ['--console-socket', await listen(t, bundle)] : [];
  t.teardown(() => run(['delete', '--force', bundle.id]));
  const create = ['create', ...socket, '--bundle', bundle.path, bundle.id];
  const exec = ['exec', '--detach', ...(terminal ? ['--tty'] : []), ...socket, bundle.id, 'sleep', '2000'];
  return { ...bundle, root, run, create, exec };
}

const keeper = fileURLToPath(new URL('../support/keep-descriptors.py', import.meta.url));

// A terminal whose master nobody keeps hangs up.
async function listen(t: ExecutionContext, { path }: Bundle): Promise<string> {
  const socket = join(path, 'socket');
  const child = spawn('/usr/bin/python3', [keeper, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return socket;
}

async function makeCreated(t: ExecutionContext, { run, create }: Place): Promise<void> {
  t.like(await run(create), { status: 0, stderr: '' });
}

async function makeRunning(t: ExecutionContext, place: Place): Promise<void> {
  await makeCreated(t, place);
  t.like(await place.run(['start', place.id]), { status: 0, stderr: '' });
}

async function makeStopped(t: ExecutionContext, place: Place): Promise<void> {
  await makeCreated(t, place);
  await place.run(['kill', place.id, 'KILL']);
  while ((await statusOf(place)) !== 'stopped');
}

async function statusOf({ run, id }: Place): Promise<Status> {
  const { status, stdout } = await run(['state', id]);
  return status === 0 ? (JSON.parse(stdout) as { status: Status }).status : 'absent';
}

async function assertGone(t: ExecutionContext, { path, id, root }: Place, when: string): Promise<void> {
  const states = await readdir(root).catch(() => []);
  t.deepEqual(
    states.filter((name) => !name.startsWith('.')),
    [],
    `state after ${when}`,
  );
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(path));
  t.deepEqual(mounts, [], `mounts after ${when}`);
  const cgroup = join((await cgroup2Mount()) ?? '/nowhere', `krun-${id}`);
  t.false(
    await access(cgroup).then(
      () => true,
      () => false,
    ),
    `cgroup after ${when}`,
  );
}

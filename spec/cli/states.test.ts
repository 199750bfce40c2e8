// Each command in each state that a container can be in: what it answers, and the state afterwards.
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { skipWithoutCgroups } from '../support/cgroups.ts';
import { all, withProcess } from '../support/change-config.ts';
import { type Launched, makeLauncher } from '../support/launcher.ts';

type State = 'absent' | 'creating' | 'created' | 'running' | 'paused' | 'stopped' | 'damaged';

/** Done, with what is printed; or refused, by these words. Then the state afterwards, unless it stays. */
type Answer = readonly [answer: 'done' | RegExp, after?: State];

const done: Answer = ['done'];
const missing: Answer = [/^krun: container does not exist: ID$/];
const damaged: Answer = [/^krun: .*\/state\.json is damaged$/];
const taken: Answer = [/^krun: container with given ID already exists$/];
const stopped: Answer = [/^krun: container not running: ID is stopped$/];
const creating: Answer = [/^krun: container not running: ID is creating$/];
const notStopped = (state: State): Answer => [new RegExp(`^krun: cannot delete container ID that is not stopped: ${state}$`)];
const notPaused = (state: State): Answer => [new RegExp(`^krun: container not paused: ID is ${state}$`)];
const notStarted = (state: State): Answer => [new RegExp(`^krun: cannot start a container in the ${state} state$`)];

const states: readonly State[] = ['absent', 'creating', 'created', 'running', 'paused', 'stopped', 'damaged'];

// A column is a state, in this order. runc's answers, but for what runc does not know: creating, and a damaged state.
const table: Readonly<Record<string, readonly Answer[]>> = {
  state: [missing, done, done, done, done, done, damaged],
  'create --bundle BUNDLE': [['done', 'created'], taken, taken, taken, taken, taken, taken],
  'run -d --bundle BUNDLE': [['done', 'running'], taken, taken, taken, taken, taken, taken],
  start: [
    missing,
    notStarted('creating'),
    ['done', 'running'],
    [/^krun: cannot start an already running container$/],
    notStarted('paused'),
    [/^krun: cannot start a container that has stopped$/],
    damaged,
  ],
  exec: [
    missing,
    [/^krun: cannot exec in one that is still being created: container not running: ID$/],
    done,
    done,
    [/^krun: cannot exec in a paused container \(use --ignore-paused\): ID$/],
    [/^krun: cannot exec in a stopped container: container not running: ID$/],
    damaged,
  ],
  kill: [missing, creating, ['done', 'stopped'], ['done', 'stopped'], ['done', 'stopped'], stopped, damaged],
  'kill --all': [missing, creating, ['done', 'stopped'], ['done', 'stopped'], ['done', 'stopped'], done, damaged],
  pause: [missing, creating, ['done', 'paused'], ['done', 'paused'], [/^krun: container not running: ID is paused$/], stopped, damaged],
  resume: [missing, notPaused('creating'), notPaused('created'), notPaused('running'), ['done', 'running'], notPaused('stopped'), damaged],
  ps: [missing, done, done, done, done, done, damaged],
  'ps --format json': [missing, done, done, done, done, done, damaged],
  'events --stats': [missing, done, done, done, done, stopped, damaged],
  'update --pids-limit -1': [missing, creating, done, done, done, stopped, damaged],
  delete: [missing, notStopped('creating'), ['done', 'absent'], notStopped('running'), notStopped('paused'), ['done', 'absent'], damaged],
  'delete --force': [
    done,
    ['done', 'absent'],
    ['done', 'absent'],
    ['done', 'absent'],
    ['done', 'absent'],
    ['done', 'absent'],
    ['done', 'absent'],
  ],
  gc: [done, done, done, done, done, ['done', 'absent'], ['done', 'absent']],
};

for (const [command, answers] of Object.entries(table)) {
  for (const [column, state] of states.entries()) {
    const [answer, after = state] = answers[column] ?? done;
    const short = command.replace(' BUNDLE', '');
    test.serial(`${short} of a container that is ${state}: ${answer === 'done' ? 'done' : 'refused'}, then it is ${after}`, async (t) => {
      if (skipWithoutCgroups(t)) return;
      const place = await prepare(t);
      await bring[state](place, t);
      if (state === 'absent') await letGo(place);
      const { status, stderr } = await place.run(...wordsOf(command, place));
      if (answer === 'done') t.deepEqual([status, stderr], [0, '']);
      else t.is(status, command === 'exec' ? 255 : 1, stderr);
      if (answer !== 'done') t.regex((stderr.split('\n')[0] ?? '').replaceAll(place.id, 'ID'), answer);
      if (after === 'stopped') await until(place, after);
      t.is(await statusOf(place), after);
    });
  }
}

test.serial('list shows the others beside a damaged container, and says which that is', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const place = await prepare(t);
  await bring.running(place, t);
  await bring.damaged({ ...place, id: 'broken' }, t);
  const { status, stdout, stderr } = await place.run('list', '--format', 'json');
  t.is(status, 0);
  t.like(JSON.parse(stdout), [{ id: place.id, status: 'running' }]);
  t.regex(stderr, /^krun: .*\/broken\/state\.json is damaged \(krun gc removes it\)\n$/);
});

interface Place extends Bundle {
  readonly root: string;
  /** The file that lets `create` go on. */
  readonly go: string;
  readonly run: (...words: readonly string[]) => Promise<Launched>;
}

// A hook of `create` waits until it is let go.
async function prepare(t: ExecutionContext): Promise<Place> {
  const go = join((await makeBundle(t)).path, 'go');
  const createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', `until test -e ${go}; do sleep 0.02; done`] }];
  const bundle = await makeBundle(
    t,
    all(withProcess({ args: ['/bin/sleep', '1000'] }), (config) => ({ ...config, hooks: { createRuntime } })),
  );
  const root = join(bundle.path, 'state');
  const launcher = await makeLauncher(t, 2);
  const run: Place['run'] = (...words) => launcher.run(['--root', root, ...words]);
  t.teardown(() => run('delete', '--force', bundle.id));
  return { ...bundle, root, go, run };
}

const bring: Readonly<Record<State, (place: Place, t: ExecutionContext) => Promise<void>>> = {
  absent: async () => {},
  creating: async (place, t) => {
    const created = create(place);
    t.teardown(async () => {
      await letGo(place);
      await created;
    });
    await until(place, 'creating');
  },
  created: async (place) => {
    await letGo(place);
    await create(place);
  },
  running: async (place, t) => {
    await bring.created(place, t);
    await place.run('start', place.id);
  },
  paused: async (place, t) => {
    await bring.running(place, t);
    await place.run('pause', place.id);
  },
  stopped: async (place, t) => {
    await bring.created(place, t);
    await place.run('kill', place.id, 'KILL');
    await until(place, 'stopped');
  },
  damaged: async ({ root, id }) => {
    await mkdir(join(root, id), { recursive: true, mode: 0o700 });
    await writeFile(join(root, id, 'state.json'), '{"id":');
  },
};

function wordsOf(command: string, { path, id }: Bundle): string[] {
  const after = command === 'exec' ? ['true'] : command.startsWith('kill') ? ['KILL'] : [];
  return [...command.replace('BUNDLE', path).split(' '), id, ...after];
}

function letGo({ go }: Place): Promise<void> {
  return writeFile(go, '');
}

async function create({ run, path, id }: Place): Promise<void> {
  await run('create', '--bundle', path, id);
}

async function until(place: Place, wanted: State): Promise<void> {
  for (const deadline = Date.now() + 10_000; (await statusOf(place)) !== wanted; )
    if (Date.now() > deadline) throw new Error(`never ${wanted}`);
}

async function statusOf({ run, id, root }: Place): Promise<State> {
  const { status, stdout } = await run('state', id);
  if (status === 0) return (JSON.parse(stdout) as { status: State }).status;
  return access(join(root, id)).then(
    () => 'damaged',
    () => 'absent',
  );
}

// Ring 2: state directories and pid files.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { until } from '../support/cgroups.ts';
import { runPlan } from '../support/run-plan.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const create = (path: string, id = 'c1'): Op => ({ op: 'createStateDirectory', pointer: '', path, id, directory: 'state' });
const open = (path: string, lock = false): Op => ({ op: 'openStateDirectory', pointer: '', path, id: 'c1', lock, directory: 'state' });
const remove = (path: string, directory: string | null = 'state'): Op => ({
  op: 'removeStateDirectory',
  pointer: '',
  path,
  id: 'c1',
  directory,
});
const write = (name: string, content: string): Op => ({
  op: 'writeStateFile',
  pointer: '',
  directory: 'state',
  name,
  content: text(content),
});
const hold: Plan = [
  {
    op: 'clone',
    pointer: '',
    flags: 0n,
    cgroup: null,
    program: [
      { op: 'closeDescriptors', pointer: '', preserve: 0 },
      { op: 'findProgram', pointer: '', name: '/bin/busybox', searchPath: '' },
      { op: 'execute', pointer: '', arguments: ['busybox', 'cat'], environment: [] },
    ],
  },
  { op: 'waitForExecute', pointer: '' },
];
const wait: Op = { op: 'wait', pointer: '' };

test('the state directory is made with its parents, and a file in it is there whole and for nobody else', async (t) => {
  const root = join(makeDirectory(t), 'a/b');
  const { failure } = await runPlan([create(root), write('state.json', 'one'), write('state.json', 'two')]);
  t.is(failure, null);
  t.is(readFileSync(join(root, 'c1/state.json'), 'utf8'), 'two');
  t.deepEqual(readdirSync(join(root, 'c1')), ['state.json']);
});

test('an id that is taken is refused, and what is there stays', async (t) => {
  const root = makeDirectory(t);
  await runPlan([create(root), write('state.json', 'first')]);
  const { failure } = await runPlan([create(root), write('state.json', 'second')]);
  t.like(failure, { op: 'createStateDirectory', syscall: 'mkdirat', errno: 17, path: 'c1' });
  t.is(readFileSync(join(root, 'c1/state.json'), 'utf8'), 'first');
});

test('of many that want one id at once a single one gets it', async (t) => {
  const root = makeDirectory(t);
  const results = await Promise.all(Array.from({ length: 8 }, () => runPlan([create(root)])));
  t.is(results.filter(({ failure }) => failure === null).length, 1);
});

test('while a helper is at work its directory is locked, whatever its container does', async (t) => {
  const root = makeDirectory(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = runPlan([create(root), ...hold, wait, remove(root)], { holdInput: promise });
  await until(() => existsSync(join(root, 'c1')));
  t.like((await runPlan([open(root, true)])).failure, { syscall: 'flock', errno: 11, detail: 'locked' });
  t.like((await runPlan([remove(root, null)])).failure, { syscall: 'flock', errno: 11, detail: 'locked' });
  t.is((await runPlan([open(root)])).failure, null);
  resolve();
  t.is((await first).failure, null);
  t.false(existsSync(join(root, 'c1')));
});

test('a state directory is claimed only if it is there, free, and as expected', async (t) => {
  const root = makeDirectory(t);
  const claim = (wait = false): Op => ({ op: 'claimStateDirectory', pointer: '', path: root, id: 'c1', wait, directory: 'state' });
  const expect = (name: string, content: string): Op => ({
    op: 'expectStateFile',
    pointer: '',
    directory: 'state',
    name,
    content: text(content),
  });
  const whenClaimed: Op = { op: 'whenFilled', pointer: '', slot: 'state', program: [{ op: 'exit', pointer: '', status: 7 }] };
  const isClaimed = async (...ops: Plan) => {
    const { status, failure } = await runPlan([...ops, whenClaimed]);
    t.is(failure, null);
    return status === 7;
  };
  t.false(await isClaimed(claim(), expect('state.json', '')));
  await runPlan([create(root), write('state.json', 'x'.repeat(5000)), write('empty', '')]);
  t.true(await isClaimed(claim(), expect('state.json', 'x'.repeat(5000)), expect('empty', ''), expect('missing', '')));
  for (const other of ['', 'x'.repeat(4999), 'x'.repeat(5001), 'y'.repeat(5000)])
    t.false(await isClaimed(claim(), expect('state.json', other)));
  t.false(await isClaimed(claim(), expect('missing', 'x'), expect('empty', '')));
  t.like((await runPlan([claim(), expect('../c1/state.json', 'x')])).failure, { op: 'expectStateFile', errno: 22 });

  const { promise, resolve } = Promise.withResolvers<void>();
  const holder = runPlan([open(root, true), ...hold, wait], { holdInput: promise });
  await until(() => readFileSync('/proc/locks', 'latin1').includes(`:${statSync(join(root, 'c1')).ino} `));
  t.false(await isClaimed(claim()));
  t.like((await runPlan([claim(true)])).failure, { op: 'claimStateDirectory', syscall: 'flock', errno: 11, detail: 'locked' });
  resolve();
  await holder;
  t.true(await isClaimed(claim()));
});

test('removal takes all files, with and without a slot, and one that is gone is no error', async (t) => {
  const root = makeDirectory(t);
  await runPlan([create(root), write('state.json', 'x'), write('init', 'y')]);
  t.is((await runPlan([open(root, true), remove(root)])).failure, null);
  t.deepEqual(readdirSync(root), []);
  await runPlan([create(root), write('state.json', 'x')]);
  t.is((await runPlan([remove(root, null)])).failure, null);
  t.is((await runPlan([remove(root, null)])).failure, null);
  t.is((await runPlan([remove(join(root, 'nowhere'), null)])).failure, null);
  t.deepEqual(readdirSync(root), []);
});

test('removal leaves a directory that somebody else has put in its place', async (t) => {
  const root = makeDirectory(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = runPlan([create(root), ...hold, wait, remove(root)], { holdInput: promise });
  await until(() => existsSync(join(root, 'c1')));
  rmSync(join(root, 'c1'), { recursive: true });
  mkdirSync(join(root, 'c1'), { mode: 0o700 });
  writeFileSync(join(root, 'c1/state.json'), 'theirs');
  resolve();
  t.is((await run).failure, null);
  t.is(readFileSync(join(root, 'c1/state.json'), 'utf8'), 'theirs');
});

test('a container that does not exist is ENOENT', async (t) => {
  const root = makeDirectory(t);
  t.like((await runPlan([open(root)])).failure, { op: 'openStateDirectory', errno: 2, path: 'c1' });
  t.like((await runPlan([open(join(root, 'none'))])).failure, { op: 'openStateDirectory', errno: 2 });
});

test("init is recorded with the kernel's own start time, and its pid written without a newline", async (t) => {
  const root = makeDirectory(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const record: Op = { op: 'recordInit', pointer: '', directory: 'state', name: 'init' };
  const pidFile: Op = { op: 'writePidFile', pointer: '', path: join(root, 'pid') };
  const run = runPlan([create(root), ...hold, record, pidFile, wait], { holdInput: promise });
  await until(() => existsSync(join(root, 'pid')));
  const [pid, startTime] = readFileSync(join(root, 'c1/init'), 'utf8').split(' ');
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  t.is(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19], startTime);
  t.is(readFileSync(join(root, 'pid'), 'utf8'), pid ?? '');
  t.deepEqual(readdirSync(root).sort(), ['c1', 'pid']);
  resolve();
  await run;
});

test('a pid file whose directory is missing is an error, and one that exists is replaced', async (t) => {
  const root = makeDirectory(t);
  writeFileSync(join(root, 'pid'), 'old and longer');
  symlinkSync('/nonexistent/target', join(root, 'link'));
  const pidFile = (path: string): Op => ({ op: 'writePidFile', pointer: '', path });
  const plan = (path: string) => [...hold, pidFile(path), wait];
  t.is((await runPlan(plan(join(root, 'pid')))).failure, null);
  t.regex(readFileSync(join(root, 'pid'), 'utf8'), /^\d+$/);
  t.is((await runPlan(plan(join(root, 'link')))).failure, null);
  t.true(statSync(join(root, 'link')).isFile(), 'the link is replaced, not followed');
  t.like((await runPlan(plan(join(root, 'none/pid')))).failure, { op: 'writePidFile', syscall: 'open', errno: 2 });
});

function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-state-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

// Ring 2: what a plan hands on to the next question, and what it can wait for meanwhile.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { createCgroup, isAwaitingChange, makeCorner, removeCgroup, runInCgroup, skipWithoutCgroups, until } from '../support/cgroups.ts';
import { type PlanResult, runPlan } from '../support/run-plan.ts';

const errno = { ENOENT: 2, E2BIG: 7, ECHILD: 10, ENODEV: 19 };
const askAgain: Op = { op: 'askAgain', pointer: '', memo: 'märk' };
const readInput = (limit: number): Op => ({ op: 'readInput', pointer: '', limit });

function capture(path: string, ...words: string[]): Op {
  return { op: 'captureOutput', pointer: '', path, arguments: ['busybox', ...words], environment: ['WORD=from us'] };
}

function openCorner(mountpoint: string, path: string): Op {
  return { op: 'openCgroup', pointer: '', mountpoint, path, owner: '', orGone: true, cgroup: 'cgroup' };
}

function awaitChange(fields: Partial<OpOf<'awaitChange'>>): Plan {
  const base = { pointer: '', cgroup: 'cgroup', files: ['cgroup.events'], keys: ['frozen'], values: ['0'], milliseconds: 60_000 };
  return [{ op: 'awaitChange', ...base, ...fields }, askAgain];
}

function freeze(frozen: boolean): Op {
  return { op: 'freezeCgroup', pointer: '', cgroup: 'cgroup', frozen };
}

function inputOf({ followUp }: PlanResult): string | undefined {
  return followUp === null ? undefined : new TextDecoder().decode(followUp.input);
}

test('a plan that ends in askAgain asks once more, with its memo; one that does not, does not', async (t) => {
  const asked = await runPlan([askAgain]);
  t.is(asked.followUp?.memo, 'märk');
  t.is(inputOf(asked), '');
  t.is((await runPlan([])).followUp, null);
});

test('the onExit programs of a plan run before it asks again', async (t) => {
  const write: Op = { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode('left') };
  const { stdout, followUp } = await runPlan([{ op: 'onExit', pointer: '', program: [write] }, askAgain]);
  t.is(stdout, 'left');
  t.not(followUp, null);
});

test('a plan that fails reports that and does not go on', async (t) => {
  const { failure } = await runPlan([askAgain, { op: 'preserveDescriptors', pointer: '', count: 100 }]);
  t.like(failure, { op: 'preserveDescriptors' });
});

test('standard input is handed on to its end, whatever its length', async (t) => {
  for (const length of [0, 1, 3, 4, 5, 4096, 100_000]) {
    t.is(inputOf(await runPlan([readInput(100_000), askAgain], { input: 'x'.repeat(length) })), 'x'.repeat(length));
  }
});

test('standard input beyond the limit is E2BIG', async (t) => {
  t.like((await runPlan([readInput(10), askAgain], { input: 'x'.repeat(11) })).failure, { op: 'readInput', errno: errno.E2BIG });
});

test("a program's standard output is handed on, its standard input and error are the caller's", async (t) => {
  const script = '/bin/busybox cat; echo "$WORD"; echo aside >&2';
  const result = await runPlan([capture('/bin/busybox', 'sh', '-c', script), askAgain], { input: 'given ' });
  t.is(result.failure, null);
  t.is(inputOf(result), 'given from us\n');
  t.is(result.stderr, 'aside\n');
  t.is(result.stdout, '');
});

test('a captured program has no signals blocked', async (t) => {
  const result = await runPlan([capture('/bin/busybox', 'sh', '-c', '/bin/busybox grep SigBlk /proc/self/status'), askAgain]);
  t.is(inputOf(result), 'SigBlk:\t0000000000000000\n');
});

test('a program that fails is ECHILD with its status, one that is not there is ENOENT', async (t) => {
  const failed = await runPlan([capture('/bin/busybox', 'sh', '-c', 'echo half; exit 3'), askAgain]);
  t.like(failed.failure, { op: 'captureOutput', errno: errno.ECHILD, detail: 'status=3' });
  t.like((await runPlan([capture('/no/program'), askAgain])).failure, { op: 'captureOutput', errno: errno.ENOENT, path: '/no/program' });
});

test('a cgroup is frozen and thawed, and cgroup.events says so when the op is over', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path, directory } = makeCorner(t);
  const isFrozen = () => readFileSync(join(directory, 'cgroup.events'), 'latin1').includes('frozen 1');
  t.is((await runPlan([openCorner(mountpoint, path), freeze(true)])).failure, null);
  t.true(isFrozen());
  t.is((await runPlan([openCorner(mountpoint, path), freeze(false)])).failure, null);
  t.false(isFrozen());
});

test('a value that is another already is no wait, and what is there is handed on', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  const open = openCorner(mountpoint, path);
  t.is(inputOf(await runPlan([open, ...awaitChange({ values: ['1'] })])), '0\0');
  const two = { files: ['cgroup.events', 'no.such'], keys: ['populated', 'key'], values: ['1', ''] };
  t.is(inputOf(await runPlan([open, ...awaitChange(two)])), '0\0\0');
});

test('the wait for a change ends with the change', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path, directory } = makeCorner(t);
  const result = await runPlan([openCorner(mountpoint, path), ...awaitChange({})], {
    started: () => writeFileSync(join(directory, 'cgroup.freeze'), '1'),
  });
  t.is(inputOf(result), '1\0');
});

test('the wait for a change ends with its time', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  const begun = Date.now();
  t.is(inputOf(await runPlan([openCorner(mountpoint, path), ...awaitChange({ milliseconds: 150 })])), '0\0');
  t.true(Date.now() - begun >= 150);
});

test('a cgroup that has gone has no values, which is a change', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'gone'));
  rmdirSync(join(directory, 'gone'));
  t.is(inputOf(await runPlan([openCorner(mountpoint, `${path}/gone`), ...awaitChange({})])), '\0');
});

test('a signal ends the wait, and the helper leaves by 128 and its number', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  const started = async (pid: number) => {
    await until(() => isAwaitingChange(pid));
    process.kill(pid, 'SIGTERM');
  };
  const result = await runPlan([openCorner(mountpoint, path), ...awaitChange({})], { started });
  t.deepEqual([result.status, result.followUp], [143, null]);
});

for (const [what, script, path, asks] of [
  ['its process has failed and the cgroup has counted something', 'exit 3', '/below', '3\u0000\u00001\u0000'],
  ['nothing is counted', 'exit 3', '', undefined],
  ['its process has not failed', 'exit 0', '/below', undefined],
] as const) {
  test(`a plan ${asks === undefined ? 'does not ask' : 'asks'} why its container ended when ${what}`, async (t) => {
    if (skipWithoutCgroups(t)) return;
    const corner = `${makeCorner(t).path}/c`;
    const { failure, status, followUp } = await runPlan([
      removeCgroup(corner),
      createCgroup(corner),
      ...(path === '' ? [] : [createCgroup(corner + path, { cgroup: 'below' })]),
      ...runInCgroup(script),
      {
        op: 'whenCounted',
        pointer: '',
        cgroup: 'cgroup',
        files: ['memory.nosuch', 'cgroup.stat'],
        keys: ['max', 'nr_descendants'],
        program: [askAgain],
      },
    ]);
    t.is(failure, null);
    t.is(followUp === null ? undefined : new TextDecoder().decode(followUp.input), asks);
    if (followUp === null) t.is(status, Number(script.at(-1)));
  });
}

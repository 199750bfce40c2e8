// Whatever fails on the way of a checkpoint, the container runs on; on the way of a restore, nothing stays. The same after a SIGKILL of krun.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertUnbroken, type Counter, lacksCriu, startCounter, stateOf, waitFor } from '../support/criu.ts';
import { type KrunResult, removeContainer, runKrun } from '../support/krun.ts';
import { assertNothingLeft, cgroup2Mount, hostSnapshot } from '../support/leaks.ts';
import { testHelper } from '../support/run-plan.ts';

// The ops of the first question, which asks criu for its version, have numbers 0 and 1 too: those of the second are reached from 2 on.
const first = 2;

test('whatever op of a checkpoint fails, the container runs on or is dumped whole', async (t) => {
  if (lacksCriu(t)) return;
  const failed = await checkpointAtEachOp(t, 'KRUN_TEST_FAIL', ({ status, signal, stderr }, when) => {
    t.is(status, 1, `${when} ${signal}`);
    t.regex(stderr, /code: E_/, when);
  });
  t.true(failed > 15, `${failed} ops`);
});

test('when krun is killed at any op of a checkpoint, the container runs on or is dumped whole', async (t) => {
  if (lacksCriu(t)) return;
  const killed = await checkpointAtEachOp(t, 'KRUN_TEST_KILL', ({ signal }, when) => {
    t.is(signal, 'SIGKILL', when);
  });
  t.true(killed > 15, `${killed} ops`);
});

test('whatever op of a restore fails, the error says so and nothing is left', async (t) => {
  if (lacksCriu(t)) return;
  const failed = await restoreAtEachOp(t, 'KRUN_TEST_FAIL', async ({ status, signal, stderr }, when) => {
    t.is(status, 1, `${when} ${signal}`);
    t.regex(stderr, /code: E_/, when);
  });
  t.true(failed > 25, `${failed} ops`);
});

test('when krun is killed at any op of a restore, gc and delete leave nothing', async (t) => {
  if (lacksCriu(t)) return;
  const killed = await restoreAtEachOp(t, 'KRUN_TEST_KILL', async ({ signal }, when, { bundle }) => {
    t.is(signal, 'SIGKILL', when);
    t.like(await runKrun(['delete', '--force', bundle.id]), { status: 0, stderr: '' }, when);
  });
  t.true(killed > 25, `${killed} ops`);
});

type Judge = (result: KrunResult, when: string, counter: Counter) => void | Promise<void>;

/** How many ops there are. With one number after another, until there is no such op and all goes well. */
async function checkpointAtEachOp(t: ExecutionContext, variable: string, judge: Judge): Promise<number> {
  t.timeout(240_000);
  const counter = await startCounter(t);
  const { bundle, images, krun, output, nextCount } = counter;
  for (let index = first; ; index++) {
    const when = `${variable}=${index}`;
    await rm(images, { recursive: true, force: true });
    const result = await krun(['checkpoint', '--image-path', images, bundle.id], {
      binary: testHelper,
      env: { [variable]: String(index) },
    });
    if (result.status === 0) return index - first;
    await judge(result, when, counter);
    if ((await stateOf(bundle.id)).status === 'running') {
      await nextCount();
      continue;
    }
    // The dump was complete by then: what follows is the removal of the container.
    t.like(await runKrun(['delete', '--force', bundle.id]), { status: 0, stderr: '' }, when);
    t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' }, when);
    await nextCount();
    await assertUnbroken(t, output);
  }
}

// Ops of onExit programs have numbers in between, and run only afterwards: a restore that nothing happens to is the end when many follow.
async function restoreAtEachOp(t: ExecutionContext, variable: string, judge: Judge): Promise<number> {
  t.timeout(240_000);
  const before = await hostSnapshot();
  const counter = await startCounter(t);
  const { bundle, images, krun } = counter;
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  let undisturbed = 0;
  const statuses: string[] = [];
  for (let index = first; undisturbed < 6; index++) {
    const when = `${variable}=${index}`;
    const args = ['restore', '--image-path', images, '--bundle', bundle.path, '--pid-file', join(bundle.path, 'pid'), '-d', bundle.id];
    const result = await krun(args, { binary: testHelper, env: { [variable]: String(index) } });
    if (result.status === 0) undisturbed++;
    else {
      undisturbed = 0;
      await judge(result, when, counter);
      statuses.push((await stateOf(bundle.id)).status);
    }
    await removeContainer(bundle.id);
    const cgroups = (await cgroup2Mount()) ?? '/nowhere';
    await waitFor(async () => ((await readdir(cgroups)).every((entry) => !entry.includes(bundle.id)) ? true : null));
    await assertNothingLeft(t, before, bundle);
  }
  // At the last op, exit, all is done.
  t.deepEqual([...new Set(statuses.slice(0, -1))], ['gone']);
  return statuses.length;
}

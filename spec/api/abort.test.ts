import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import type { ConfigInput } from '../../runtime/index.ts';
import { type ApiFixture, isAlive, until, useKrun } from '../support/api.ts';

const sleeps = 'trap "" TERM; echo ready; while :; do sleep 1; done';

test('what is aborted before it begins does not begin', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const signal = AbortSignal.abort(new Error('no longer wanted'));
  await t.throwsAsync(krun.run({ bundle: bundle.path, signal }), { message: 'no longer wanted' });
  await t.throwsAsync(krun.create({ bundle: bundle.path, signal }), { message: 'no longer wanted' });
  t.deepEqual(await krun.list(), []);
});

test('an abort while a container is made rejects run, and nothing is left', async (t) => {
  const fixture = await useKrun(t);
  const { krun, bundle } = fixture;
  const controller = new AbortController();
  const running = krun.run({ bundle: bundle.path, config: withSlowHook(fixture), signal: controller.signal });
  await until('the hook runs', async () => (await krun.list()).length === 1);
  controller.abort();
  await t.throwsAsync(running, { name: 'AbortError' });
  t.deepEqual(await krun.list(), []);
});

test('an abort kills a running container, and wait rejects when all is removed', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const controller = new AbortController();
  const container = await krun.run({ bundle: bundle.path, config: script(sleeps), signal: controller.signal });
  controller.abort();
  await t.throwsAsync(container.wait(), { name: 'AbortError' });
  t.false(isAlive(container.pid));
  t.deepEqual(await krun.list(), []);
});

test('an abort right after the call has been made leaves nothing', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  for (let ticks = 0; ticks < 20; ticks++) {
    const controller = new AbortController();
    const running = krun
      .run({ bundle: bundle.path, config: script(sleeps), signal: controller.signal })
      .then((container) => container.wait());
    for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await t.throwsAsync(running, { name: 'AbortError' });
  }
  t.deepEqual(await krun.list(), []);
});

test('stopSignal comes first, and lets the process say goodbye', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const controller = new AbortController();
  const config = script('trap "echo goodbye; exit 0" TERM; echo ready; while :; do sleep 0.05; done');
  const container = await krun.run({ bundle: bundle.path, config, signal: controller.signal, stopSignal: 'SIGTERM' });
  const said = text(container.stdout);
  await new Promise((resolve) => container.stdout.once('data', resolve));
  controller.abort();
  await t.throwsAsync(container.wait(), { name: 'AbortError' });
  t.is(await said, 'ready\ngoodbye\n');
});

test('what does not heed stopSignal is killed after stopTimeout', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const controller = new AbortController();
  const options = { signal: controller.signal, stopSignal: 'TERM', stopTimeout: 50 } as const;
  const container = await krun.run({ bundle: bundle.path, config: script(sleeps), ...options });
  await new Promise((resolve) => container.stdout.once('data', resolve));
  controller.abort();
  await t.throwsAsync(container.wait(), { name: 'AbortError' });
  t.false(isAlive(container.pid));
});

test('an abort ends an exec and leaves the container', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({ bundle: bundle.path, config: script('cat') });
  const controller = new AbortController();
  const process = await krun.exec(container.id, { args: ['sh', '-c', sleeps], signal: controller.signal });
  controller.abort();
  await t.throwsAsync(process.wait(), { name: 'AbortError' });
  t.false(isAlive(process.pid));
  t.is((await krun.state(container.id)).status, 'running');
});

test('wait and events can be aborted, and leave the container', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await container.start();
  const controller = new AbortController();
  const waits = container.wait({ signal: controller.signal });
  const events = krun.events(container.id, { interval: 1_000_000, signal: controller.signal }).next();
  controller.abort();
  await t.throwsAsync(waits, { name: 'AbortError' });
  await t.throwsAsync(events, { name: 'AbortError' });
  t.is((await krun.state(container.id)).status, 'running');
});

function withSlowHook({ bundle, script }: ApiFixture): ConfigInput {
  const hook = join(bundle.path, 'hook');
  writeFileSync(hook, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  return { ...script('true'), hooks: { createRuntime: [{ path: hook }] } };
}

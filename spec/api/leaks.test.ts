import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { type ApiFixture, childrenOf, until, useKrun } from '../support/api.ts';
import { cgroup2Mount } from '../support/leaks.ts';

const hundred = Array.from({ length: 100 }, (_, index) => index);

test.serial('100 runs at a time leave no descriptor, process, state or cgroup', async (t) => {
  const fixture = await useKrun(t);
  const { krun, newId } = fixture;
  const ids = hundred.map(newId);
  t.deepEqual(await runOne(fixture, 0), ['0\n', 0]);
  const before = { descriptors: descriptors(), children: childrenOf('self').length };
  const results = await Promise.all(hundred.map((number) => runOne(fixture, number, ids[number])));
  t.deepEqual(
    results,
    hundred.map((number) => [`${number}\n`, number]),
  );
  await until('all descriptors are closed', () => descriptors() <= before.descriptors);
  t.is(childrenOf('self').length, before.children);
  t.deepEqual(childrenOf(childrenOf('self').at(-1) ?? 0), [], 'of the launcher');
  t.deepEqual(await krun.list(), []);
  const mount = await cgroup2Mount();
  if (mount !== undefined) t.deepEqual(cgroupsOf(mount, ids), []);
});

test.serial('what nobody has read when a process ends is kept for who reads later, and holds no descriptor', async (t) => {
  const { krun, bundle } = await useKrun(t);
  await (await krun.run({ rootfs: bundle.rootfs, args: ['true'] })).wait();
  await until('the first run is over', () => childrenOf(childrenOf('self').at(-1) ?? 0).length === 0);
  const before = descriptors();
  const said = 'x'.repeat(50_000);
  const container = await krun.run({ rootfs: bundle.rootfs, args: ['sh', '-c', `echo ${said}; echo ${said} >&2`] });
  await container.wait();
  await until('all descriptors are closed', () => descriptors() <= before);
  t.deepEqual(await Promise.all([text(container.stdout), text(container.stderr)]), [`${said}\n`, `${said}\n`]);
});

test.serial('100 aborts and failures at a time leave nothing either', async (t) => {
  const fixture = await useKrun(t);
  const { krun, bundle, script } = fixture;
  await runOne(fixture, 0);
  const before = { descriptors: descriptors(), children: childrenOf('self').length };
  const results = await Promise.allSettled(
    hundred.map(async (number) => {
      if (number % 3 === 0) return krun.run({ rootfs: bundle.rootfs, args: ['/nowhere'] });
      const controller = new AbortController();
      const container = krun.run({ bundle: bundle.path, config: script('exec sleep 1000'), signal: controller.signal });
      if (number % 3 === 1) controller.abort();
      const { wait } = await container.then((running) => ({ wait: running.wait() }));
      controller.abort();
      return wait;
    }),
  );
  t.true(results.every(({ status }) => status === 'rejected'));
  await until('all descriptors are closed', () => descriptors() <= before.descriptors);
  t.is(childrenOf('self').length, before.children);
  t.deepEqual(await krun.list(), []);
});

async function runOne({ krun, bundle, newId }: ApiFixture, number: number, id = newId()): Promise<[string, number]> {
  const container = await krun.run({ id, rootfs: bundle.rootfs, args: ['sh', '-c', `read line; echo $line; exit $line`] });
  container.stdin.end(`${number}\n`);
  const [said, errors, { status }] = await Promise.all([text(container.stdout), text(container.stderr), container.wait()]);
  return [said + errors, status];
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function cgroupsOf(mount: string, ids: readonly string[]): string[] {
  return readdirSync(mount).filter((name) => ids.some((id) => name.includes(id)));
}

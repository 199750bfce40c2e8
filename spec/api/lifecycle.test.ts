import { text } from 'node:stream/consumers';
import test from 'ava';
import { Container, type ContainerEvent, Krun } from '../../runtime/index.ts';
import { useKrun } from '../support/api.ts';
import { cgroup2Mount } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

test('a container is created, started, waited for and deleted', async (t) => {
  const { krun, bundle, script, newId } = await useKrun(t);
  const id = newId();
  const container = await krun.create({ id, bundle: bundle.path, config: script('exit 3'), stdin: 'ignore' });
  t.true(container instanceof Container);
  t.is((await krun.state(id)).status, 'created');
  t.is((await krun.state(id)).pid, container.pid);
  await container.start();
  t.deepEqual(await container.wait(), { exitCode: 3, signal: null, status: 3 });
  t.is((await krun.state(id)).status, 'stopped');
  t.deepEqual(await container.wait(), { exitCode: 3, signal: null, status: 3 }, 'also when it has ended');
  await container.delete();
  await t.throwsAsync(krun.state(id), { code: 'E_NO_CONTAINER' });
});

test('the process of a created container may have pipes to the program', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.create({ bundle: bundle.path, config: script('cat'), stdin: 'pipe', stdout: 'pipe' });
  await krun.start(container.id);
  container.stdin?.end('through');
  t.is(container.stdout && (await text(container.stdout)), 'through');
  t.is(container.stderr, null);
  t.is((await container.wait())?.exitCode, 0);
});

test('list shows the containers below the root, sorted by id', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  t.deepEqual(await krun.list(), []);
  const made = await Promise.all([1, 2, 3].map(() => krun.create({ bundle: bundle.path, config: script('true') })));
  const ids = made.map(({ id }) => id).sort();
  t.deepEqual(
    (await krun.list()).map(({ id, status }) => [id, status]),
    ids.map((id) => [id, 'created']),
  );
});

test('exec runs one more process, with what is changed for it', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({ bundle: bundle.path, config: script('cat') });
  const process = await krun.exec(container.id, {
    args: ['sh', '-c', 'read line; echo "$line $NAME $(id -u):$(id -g) $(pwd)"; exit 9'],
    env: { NAME: 'value' },
    user: { uid: 1000, gid: 1001 },
    cwd: '/tmp',
  });
  process.stdin.end('read\n');
  t.is(await text(process.stdout), 'read value 1000:1001 /tmp\n');
  t.deepEqual(await process.wait(), { exitCode: 9, signal: null, status: 9 });
  container.stdin.end();
  t.is((await container.wait()).exitCode, 0);
  await t.throwsAsync(krun.exec(container.id, { args: ['true'] }), { code: 'E_NO_CONTAINER' });
});

test('kill signals, and wait tells by which signal a started container ended', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await container.start();
  await krun.kill(container.id, 'SIGKILL');
  t.deepEqual(await container.wait(), { exitCode: null, signal: 'SIGKILL', status: 137 });
  await t.throwsAsync(krun.kill(container.id), { code: 'E_NOT_RUNNING' });
});

test('wait for a container of somebody else ends with it, with its status if the kernel tells it', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await container.start();
  await using other = new Krun({ root: krun.root });
  const waited = other.wait(container.id);
  await other.kill(container.id, 'SIGKILL');
  t.true([137, undefined].includes((await waited)?.status)); // undefined: a kernel before 6.15, and a quick parent
});

test('pause, resume, update, stats, events and processes work on a running container', async (t) => {
  if (skipUnless(t, 'cgroup2', (await cgroup2Mount()) !== undefined)) return;
  const { krun, bundle, script } = await useKrun(t);
  const { id, pid, stdin } = await krun.run({ bundle: bundle.path, config: script('cat') });
  await krun.pause(id);
  t.is((await krun.state(id)).status, 'paused');
  await t.throwsAsync(krun.pause(id), { code: 'E_NOT_RUNNING' });
  await krun.resume(id);
  t.is((await krun.state(id)).status, 'running');
  t.deepEqual(await krun.processes(id), [pid]);
  t.truthy((await krun.stats(id)).pids);
  await t.throwsAsync(krun.update(id, { hugepageLimits: [{ pageSize: '3KB', limit: 0 }] }));
  await krun.update(id, {});

  const events: ContainerEvent[] = [];
  for await (const event of krun.events(id, { interval: 5 })) {
    events.push(event);
    if (events.length === 3) stdin.end();
  }
  t.true(events.length >= 3, 'until it has ended');
  t.true(events.every((event) => event.type === 'stats' && event.id === id));
  t.deepEqual(await krun.list(), []);
});

test('gc removes what is left and says so', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  t.deepEqual(await krun.gc(), []);
  const container = await krun.create({ bundle: bundle.path, config: script('true') });
  await container.start();
  await container.wait();
  t.deepEqual(await krun.gc(container.id), [`removed ${container.id}`]);
  t.deepEqual(await krun.list(), []);
});

test('delete --force removes a running container, and one that is not there', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await container.start();
  await t.throwsAsync(krun.delete(container.id), { code: 'E_RUNNING' });
  await krun.delete(container.id, { force: true });
  await krun.delete(container.id, { force: true });
  t.deepEqual(await krun.list(), []);
});

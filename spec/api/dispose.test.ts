import test from 'ava';
import { Krun } from '../../runtime/index.ts';
import { isAlive, runProgram, useKrun } from '../support/api.ts';

test('a running container that goes out of scope is killed and removed', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  let pid = 0;
  {
    await using container = await krun.run({ bundle: bundle.path, config: script('exec sleep 1000') });
    pid = container.pid;
    t.true(isAlive(pid));
  }
  t.false(isAlive(pid));
  t.deepEqual(await krun.list(), []);
});

test('a created container that goes out of scope is removed, started or not', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  {
    await using waiting = await krun.create({ bundle: bundle.path, config: script('true') });
    await using started = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
    await started.start();
    t.is((await krun.list()).length, 2);
    t.not(waiting.id, started.id);
  }
  t.deepEqual(await krun.list(), []);
});

test('an instance that goes out of scope kills what it attends to, and leaves what it has created', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const pids: number[] = [];
  const created = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await created.start();
  {
    await using other = new Krun({ root: krun.root });
    const attended = await other.run({ bundle: bundle.path, config: script('exec sleep 1000') });
    const joined = await other.exec(created.id, { args: ['sleep', '1000'] });
    const left = await other.create({ bundle: bundle.path, config: script('true') });
    pids.push(attended.pid, joined.pid);
    t.truthy(left);
  }
  t.deepEqual(pids.filter(isAlive), []);
  t.deepEqual((await krun.list()).map(({ status }) => status).sort(), ['created', 'running']);
});

test('an instance that goes out of scope leaves no process and no descriptor', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const source = `import { Krun } from 'krun';
    import { readdirSync, readFileSync } from 'node:fs';
    const descriptors = () => readdirSync('/proc/self/fd').length;
    let before = 0;
    for (let time = 0; time < 3; time++) {
      if (time === 1) before = descriptors(); // libuv keeps one for itself from the first stream on
      await using krun = new Krun({ root: ${JSON.stringify(krun.root)} });
      await using container = await krun.run({ rootfs: ${JSON.stringify(bundle.rootfs)}, args: ['sleep', '1000'] });
    }
    const children = readdirSync('/proc/self/task').map((task) => readFileSync('/proc/self/task/' + task + '/children', 'utf8')).join('');
    console.log(JSON.stringify({ children, descriptors: descriptors() - before }));`;
  t.deepEqual(await runProgram(source), { status: 0, stdout: '{"children":"","descriptors":0}\n', stderr: '' });
});

test('close is idempotent, and afterwards calls are refused', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const container = await krun.run({ bundle: bundle.path, config: script('exec sleep 1000') });
  await Promise.all([krun.close(), krun.close()]);
  await krun.close();
  t.is((await container.wait()).signal, 'SIGKILL');
  await t.throwsAsync(krun.run({ bundle: bundle.path }), { code: 'E_LAUNCHER' });
  t.deepEqual(await krun.list(), [], 'what only reads still works');
});

test('an instance at rest does not keep the program alive', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const source = `import { Krun } from 'krun';
    const krun = new Krun({ root: ${JSON.stringify(krun.root)} });
    const container = await krun.run({ rootfs: ${JSON.stringify(bundle.rootfs)}, args: ['true'] });
    await container.wait();
    console.log('done');`;
  t.deepEqual(await runProgram(source), { status: 0, stdout: 'done\n', stderr: '' });
});

test('who waits for a container keeps the program alive', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const source = `import { Krun } from 'krun';
    const krun = new Krun({ root: ${JSON.stringify(krun.root)} });
    const container = await krun.create({ rootfs: ${JSON.stringify(bundle.rootfs)}, args: ['sh', '-c', 'sleep 0.2; exit 6'] });
    await container.start();
    console.log((await container.wait()).exitCode);
    await container.delete();`;
  t.deepEqual(await runProgram(source), { status: 0, stdout: '6\n', stderr: '' });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ConfigInput, KrunError } from '../../runtime/index.ts';
import { childrenOf, isAlive, runProgram, until, useKrun } from '../support/api.ts';

test('what the kernel or the configuration refuses rejects with a KrunError: code, pointer, cause, remedy', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const config = script('true');
  const run = (changed: ConfigInput) => krun.run({ bundle: bundle.path, config: changed });
  const notFound = await refused(t, run({ ...config, process: { cwd: '/', args: ['/nowhere'] } }));
  t.like(notFound, { code: 'E_NOT_FOUND', op: 'findProgram', pointer: '/process/args/0' });
  const mount = { destination: '/mnt', type: 'bind', source: '/nowhere', options: ['bind'] };
  const badMount = await refused(t, run({ ...config, mounts: [...(config.mounts ?? []), mount] }));
  t.like(badMount, { code: 'E_BAD_MOUNT', pointer: `/mounts/${config.mounts?.length}`, errno: 'ENOENT' });
  const wrong = await refused(t, run({ ...config, hostname: 5 } as unknown as ConfigInput));
  t.like(wrong, { code: 'E_CONFIG', pointer: '/hostname' });
  t.deepEqual(await krun.list(), []);
});

test('errors of ids and states are KrunErrors too', async (t) => {
  const { krun, bundle, script, newId } = await useKrun(t);
  const id = newId();
  t.like(await refused(t, krun.run({ bundle: '/nowhere' })), { code: 'E_BUNDLE' });
  t.like(await refused(t, krun.run({ id: '../up', bundle: bundle.path })), { code: 'E_BAD_ID' });
  for (const call of [krun.state(id), krun.start(id), krun.kill(id), krun.pause(id), krun.resume(id), krun.update(id, {}), krun.wait(id)])
    t.like(await refused(t, call), { code: 'E_NO_CONTAINER' });
  for (const call of [krun.delete(id), krun.stats(id), krun.processes(id), krun.exec(id, { args: ['true'] }), krun.events(id).next()])
    t.like(await refused(t, call), { code: 'E_NO_CONTAINER' });
  await krun.create({ id, bundle: bundle.path, config: script('true') });
  t.like(await refused(t, krun.create({ id, bundle: bundle.path, config: script('true') })), { code: 'E_ID_EXISTS' });
  t.like(await refused(t, krun.resume(id)), { code: 'E_NOT_PAUSED' });
});

test('a helper that is not there is named', async (t) => {
  const { krun, bundle } = await useKrun(t, { helper: '/nowhere/krun' });
  for (let time = 0; time < 2; time++)
    t.like(await refused(t, krun.run({ bundle: bundle.path })), { code: 'E_LAUNCHER', path: '/nowhere/krun' });
});

test('when the launcher is killed its containers end and are removed, calls reject, and the next call starts another', async (t) => {
  const { krun, bundle, script } = await useKrun(t);
  const before = childrenOf('self');
  const container = await krun.run({ bundle: bundle.path, config: script('exec sleep 1000') });
  const created = await krun.create({ bundle: bundle.path, config: script('exec sleep 1000') });
  await created.start();
  const waits = created.wait();
  const launcher = parentOf(parentOf(container.pid));
  t.true(childrenOf('self').includes(launcher));
  t.false(before.includes(launcher));
  process.kill(launcher, 'SIGKILL');
  t.like(await refused(t, container.wait()), { code: 'E_LAUNCHER' });
  await until('the container has been removed', async () => (await krun.list()).length === 1);
  t.false(isAlive(container.pid));
  await krun.kill(created.id, 'SIGKILL');
  t.true([137, undefined].includes((await waits)?.status), 'only the kernel may still tell its status');
});

test('what is odd is told to onWarning: an unknown property, a poststop hook that fails', async (t) => {
  const warnings: KrunError[] = [];
  const { krun, bundle, script } = await useKrun(t, { onWarning: (warning) => warnings.push(warning) });
  const hook = join(bundle.path, 'hook');
  writeFileSync(hook, '#!/bin/sh\nexit 4\n', { mode: 0o755 });
  const config = { ...script('true'), hooks: { poststop: [{ path: hook }] }, unknown: true };
  const container = await krun.run({ bundle: bundle.path, config });
  t.is((await container.wait()).exitCode, 0);
  t.deepEqual(
    warnings.map(({ code, pointer }) => [code, pointer]),
    [
      ['E_CONFIG', '/unknown'],
      ['E_HOOK', '/hooks/poststop/0'],
    ],
  );
});

test('without onWarning, Node tells warnings', async (t) => {
  const { krun, bundle } = await useKrun(t);
  const source = `import { defaultConfig, Krun } from 'krun';
    await using krun = new Krun({ root: ${JSON.stringify(krun.root)} });
    const { process, ...config } = defaultConfig();
    const terminal = { process: { ...process, terminal: false, args: ['true'] } };
    await (await krun.run({ rootfs: ${JSON.stringify(bundle.rootfs)}, config: { ...config, ...terminal, unknown: 1 } })).wait();`;
  const { stderr } = await runProgram(source);
  t.regex(stderr, /KrunWarning: .*#\/unknown/);
});

async function refused(t: ExecutionContext, call: Promise<unknown>): Promise<KrunError> {
  const error = await t.throwsAsync(call);
  t.true(error instanceof KrunError, String(error));
  return error as KrunError;
}

function parentOf(pid: number): number {
  const [line = ''] = /^PPid:\t\d+$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(line.slice(6));
}

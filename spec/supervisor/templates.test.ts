// Starts that are like one before: the resident supervisor answers them from a template, and must notice whatever makes them differ.
import { mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { cgroup2Mount } from '../support/leaks.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';
import { type Supervisor, startSupervisor, until } from '../support/supervisor.ts';

interface Taught {
  readonly supervisor: Supervisor;
  readonly bundle: Bundle;
  /** A start like those before, with an id of the same length; what it prints, and whether it came from the template. */
  readonly run: (change?: {
    readonly id?: string;
    readonly env?: Record<string, string>;
  }) => Promise<{ stdout: string; isTemplate: boolean }>;
}

/** A supervisor that has a template for starts of a bundle. */
async function teach(t: ExecutionContext): Promise<Taught> {
  const supervisor = await startSupervisor(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sh', '-c', 'hostname=krun; echo AAAA'] }));
  let count = 1000;
  const run: Taught['run'] = async ({ id = `${bundle.id}-${count++}`, env = {} } = {}) => {
    const before = (await supervisor.status()).templateHits;
    const { stdout, stderr, status } = await runKrun(['run', '--bundle', bundle.path, id], { env: { ...supervisor.env, ...env } });
    t.deepEqual([status, stderr], [0, '']);
    return { stdout, isTemplate: (await supervisor.status()).templateHits > before };
  };
  await until(async () => (await run()).isTemplate);
  return { supervisor, bundle, run };
}

test('starts that differ in the id alone are answered from a template', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, bundle } = await teach(t);
  await until(async () => {
    const { stdout, isTemplate } = await run({ id: `${bundle.id}.....` }); // not always: another test may mount a cgroup2 just then
    t.is(stdout, 'AAAA');
    return isTemplate;
  });
  t.deepEqual(await run({ id: `${bundle.id}-longer` }), { stdout: 'AAAA', isTemplate: false });
});

test('the plan from a template is that of a supervisor of the call’s own', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { supervisor } = await teach(t);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sleep', '100'] }));
  const states: unknown[] = [];
  const call = async (id: string, env: Record<string, string>) => {
    const made = await runApart(['create', '--bundle', bundle.path, id], { env });
    t.deepEqual([made.status, made.stderr], [0, '']);
    const [state, config, status] = await Promise.all([
      readFile(`/run/krun/${id}/state.json`, 'utf8'),
      readFile(`/run/krun/${id}/config.json`, 'utf8'),
      runKrun(['state', id]),
    ]);
    const { created } = JSON.parse(state);
    t.true(Math.abs(Date.now() - Date.parse(created)) < 20_000, created);
    t.is((await runKrun(['delete', '--force', id])).status, 0);
    states.push(
      [state, config, status.stdout].map((text) =>
        text
          .replaceAll(id, 'ID')
          .replace(created, 'NOW')
          .replace(created, 'NOW')
          .replace(/"pid": \d+/, 'PID'),
      ),
    );
  };
  await call(`${bundle.id}-0000`, { KRUN_SUPERVISOR: 'off' });
  const before = (await supervisor.status()).templateHits;
  for (let count = 1; count < 20; count++) await call(`${bundle.id}-${1000 + count}`, supervisor.env);
  t.true((await supervisor.status()).templateHits > before);
  for (const state of states) t.deepEqual(state, states[0]);
});

test('a template is not used once config.json is another', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, bundle } = await teach(t);
  const file = join(bundle.path, 'config.json');
  const { ctimeMs } = await stat(file);
  await writeFile(file, (await readFile(file, 'utf8')).replace('AAAA', 'BBBB'));
  t.not((await stat(file)).ctimeMs, ctimeMs);
  t.deepEqual(await run(), { stdout: 'BBBB', isTemplate: false });
});

test('a template is not used once the environment, the directory or an option is another', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, supervisor, bundle } = await teach(t);
  t.false((await run({ env: { SOMETHING: 'else' } })).isTemplate);
  const hits = async () => (await supervisor.status()).templateHits;
  const before = await hits();
  await runKrun(['run', '--bundle', bundle.path, `${bundle.id}-9999`], { env: supervisor.env, cwd: '/' });
  await runKrun(['run', '--keep=false', '--bundle', bundle.path, `${bundle.id}-9999`], { env: supervisor.env });
  t.is(await hits(), before);
});

test('a template is not used where the host is another for this container: its cgroup is there', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const mount = await cgroup2Mount();
  if (skipUnless(t, 'cgroup2', mount !== undefined)) return;
  const { run, bundle } = await teach(t);
  const cgroup = join(mount ?? '', `krun-${bundle.id}-9999`);
  await mkdir(cgroup);
  t.teardown(() => rmdir(cgroup).catch(() => {}));
  t.false((await run({ id: `${bundle.id}-9999` })).isTemplate);
  await until(async () => (await run()).isTemplate);
});

test('a template is not used once another cgroup2 is mounted on the host, and is made anew', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { run, supervisor, bundle } = await teach(t);
  const place = join(bundle.path, 'rootfs/mnt');
  await execa('mount', ['-t', 'cgroup2', 'none', place]);
  t.teardown(() => execa('umount', ['-l', place], { reject: false }));
  t.false((await run()).isTemplate);
  await execa('umount', [place]);
  await until(async () => (await run()).isTemplate);
  t.is((await supervisor.status()).refusals, 0);
  t.truthy(krunBinary);
});

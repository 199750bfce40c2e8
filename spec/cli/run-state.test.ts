import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { makeCorner, skipWithoutCgroups } from '../support/cgroups.ts';
import { all, isRoot, withLinux, withProcess } from '../support/change-config.ts';
import { krunBinary, runKrun, startContainer } from '../support/krun.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

interface State {
  readonly pid: number;
  readonly status: string;
}

test('state shows a running container as the runtime-spec has it, and its pid is that of the process', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t, (config) => ({ ...config, annotations: { 'org.example.key': 'value' } }));
  const { id, path, rootfs } = container.bundle;
  const state = JSON.parse((await runKrun(['state', id])).stdout) as State;
  t.like(state, { id, bundle: path, rootfs, status: 'running', annotations: { 'org.example.key': 'value' }, owner: 'root' });
  t.true((await readFile(`/proc/${state.pid}/cmdline`, 'utf8')).startsWith('/probe\0'));
  container.end();
  await container.result;
  const after = await runKrun(['state', id]);
  t.is(after.status, 1);
  t.regex(after.stderr, /container does not exist[\s\S]*code: E_NO_CONTAINER/);
});

test('list shows it as a table, as JSON, and by id alone', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t);
  const { id, path } = container.bundle;
  const table = (await runKrun(['list'])).stdout.split('\n');
  t.regex(table[0] ?? '', /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/);
  t.true(table.some((line) => line.startsWith(`${id} `) && line.includes(' running ') && line.includes(path)));
  const found = (JSON.parse((await runKrun(['list', '--format', 'json'])).stdout) as { id: string }[]).find((entry) => entry.id === id);
  t.like(found, { id, bundle: path, status: 'running' });
  t.true((await runKrun(['list', '--quiet'])).stdout.split('\n').includes(id));
  container.end();
  await container.result;
  t.false((await runKrun(['list', '--quiet'])).stdout.split('\n').includes(id));
});

test('a second container of the same id is refused with E_ID_EXISTS, and the first is not disturbed', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t);
  const { id, path } = container.bundle;
  const { status, stderr } = await runKrun(['run', '--bundle', path, id]);
  t.is(status, 1);
  t.regex(stderr, /container with given ID already exists[\s\S]*code: E_ID_EXISTS/);
  t.like(JSON.parse((await runKrun(['state', id])).stdout), { status: 'running' });
  container.end();
  t.is((await container.result).status, 0);
});

test('of many that start at once under one id exactly one runs', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }));
  const started = Array.from({ length: 8 }, () =>
    execa(krunBinary, ['run', '--bundle', bundle.path, bundle.id], {
      reject: false,
      stdin: 'pipe',
      timeout: 60_000,
      killSignal: 'SIGKILL',
    }),
  );
  let ended = 0;
  const results = await Promise.all(
    started.map(async (child) => {
      const result = await child;
      if (++ended === started.length - 1) for (const other of started) other.stdin.end(); // the one that is left is the one that runs
      return result;
    }),
  );
  t.is(results.filter(({ exitCode }) => exitCode === 0).length, 1);
  for (const { exitCode, stderr } of results) if (exitCode !== 0) t.regex(stderr, /code: E_ID_EXISTS/);
});

test('two roots of state do not know of each other', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t);
  const { id, path } = container.bundle;
  const root = join(path, 'other-state');
  t.regex((await runKrun(['--root', root, 'state', id])).stderr, /E_NO_CONTAINER/);
  t.is((await stat('/run/krun')).mode & 0o777, 0o700);
  container.end();
  await container.result;
});

test('kill sends a signal to the process, by name or number, and refuses what is no signal', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t);
  const { id } = container.bundle;
  t.is((await runKrun(['kill', id, '0'])).status, 0);
  t.regex((await runKrun(['kill', id, 'NOPE'])).stderr, /code: E_USAGE/);
  t.regex((await runKrun(['kill', id, '65'])).stderr, /code: E_USAGE/);
  t.is((await runKrun(['kill', id, 'SIGKILL'])).status, 0);
  t.is((await container.result).status, 137);
  t.regex((await runKrun(['kill', id, '9'])).stderr, /code: E_NO_CONTAINER/);
});

test('delete refuses a running container, and with --force ends and removes it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await startContainer(t);
  const { id } = container.bundle;
  t.regex((await runKrun(['delete', id])).stderr, /code: E_RUNNING/);
  t.like(await runKrun(['delete', '--force', id]), { status: 0, stderr: '' });
  t.is((await container.result).status, 137);
  t.like(await runKrun(['delete', '--force', id]), { status: 0, stderr: '' });
  t.regex((await runKrun(['delete', id])).stderr, /code: E_NO_CONTAINER/);
});

test('--keep leaves a stopped container, which state shows and delete removes', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  t.is((await runKrun(['run', '--keep', '--bundle', bundle.path, bundle.id])).status, 0);
  t.like(JSON.parse((await runKrun(['state', bundle.id])).stdout), { status: 'stopped', pid: 0 });
  t.regex((await runKrun(['kill', bundle.id])).stderr, /container not running[\s\S]*code: E_NOT_RUNNING/);
  t.regex((await runKrun(['run', '--bundle', bundle.path, bundle.id])).stderr, /code: E_ID_EXISTS/);
  t.like(await runKrun(['delete', bundle.id]), { status: 0, stderr: '' });
  t.regex((await runKrun(['state', bundle.id])).stderr, /code: E_NO_CONTAINER/);
});

test('--pid-file holds the pid of the process, without a newline, once it runs', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }));
  const child = execa(krunBinary, ['run', '--pid-file', 'pid', '--bundle', bundle.path, bundle.id], {
    cwd: bundle.path,
    reject: false,
    stdin: 'pipe',
    buffer: false,
  });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const { pid } = JSON.parse((await runKrun(['state', bundle.id])).stdout) as State;
  t.is(await readFile(join(bundle.path, 'pid'), 'utf8'), String(pid));
  child.stdin.end();
  t.is((await child).exitCode, 0);
});

test('a pid file that cannot be written is E_FILE and ends the container', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sleep', '1000'] }));
  const { status, stderr } = await runKrun(['run', '--pid-file', '/nowhere/pid', '--bundle', bundle.path, bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /\/nowhere\/pid[\s\S]*code: E_FILE/);
  t.regex((await runKrun(['state', bundle.id])).stderr, /E_NO_CONTAINER/);
});

test('--print-id prints the id before anything of the process, and an id is made up when none is given', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'mine'] }));
  t.is((await runKrun(['run', '--print-id', '--bundle', bundle.path, bundle.id])).stdout, `${bundle.id}\nmine`);
  const [first, second] = await Promise.all([1, 2].map(() => runKrun(['run', '--print-id', bundle.path])));
  t.regex(first?.stdout ?? '', /^[0-9a-f]{12}\nmine$/);
  t.not(first?.stdout, second?.stdout);
});

test('an id that is no id is E_BAD_ID, and nothing is made', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  for (const id of ['a b', 'a\nb', '..', '.', 'ü', 'a:b', 'x'.repeat(251)]) {
    const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, id]);
    t.is(status, 1, id);
    t.regex(stderr, /code: E_(BAD_ID|BUNDLE|USAGE)/, id);
  }
  t.regex((await runKrun(['run', '--bundle', bundle.path, 'a/b'])).stderr, /code: E_(BAD_ID|BUNDLE|USAGE)/);
  t.regex((await runKrun(['run', '--bundle', bundle.path, ''])).stderr, /code: E_(BAD_ID|BUNDLE|USAGE)/);
  t.regex((await runKrun(['state', '../krun'])).stderr, /code: E_BAD_ID/);
});

test('ids of all allowed characters and of 250 of them are ids', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  for (const id of [`A.z_0+-${bundle.id}`, `${bundle.id}${'x'.repeat(250 - bundle.id.length)}`])
    t.like(await runKrun(['run', '--bundle', bundle.path, id]), { status: 0, stderr: '' }, id);
});

test('a damaged state directory is E_STATE to those who ask, and gc clears it', async (t) => {
  if (skipUnless(t, 'root', isRoot) || skipWithoutCgroups(t)) return;
  const change = all(withProcess({ args: ['/bin/true'] }), withLinux({ cgroupsPath: `${makeCorner(t).path}/c` }));
  const bundle = await makeBundle(t, change);
  const root = join(bundle.path, 'state');
  const krun = (...args: string[]) => runKrun(['--root', root, ...args]);
  t.is((await krun('run', '--keep', '--bundle', bundle.path, bundle.id)).status, 0);
  await writeFile(join(root, bundle.id, 'state.json'), '{"half":');
  t.regex((await krun('state', bundle.id)).stderr, /code: E_STATE/);
  t.like(await krun('gc'), { status: 0, stdout: `removed ${bundle.id}: its state was damaged` });
  t.regex((await krun('state', bundle.id)).stderr, /code: E_NO_CONTAINER/);
});

test('gc ends and removes what belongs to a damaged state directory: its cgroup with all that runs there, by default or by cgroupsPath', async (t) => {
  if (skipWithoutCgroups(t)) return;
  for (const cgroupsPath of [undefined, `/krun-test-${randomBytes(6).toString('hex')}`]) {
    const bundle = await makeBundle(t, (config) =>
      withLinux(cgroupsPath === undefined ? {} : { cgroupsPath })(withProcess({ args: ['/bin/sleep', '1000'] })(config)),
    );
    const root = join(bundle.path, 'state');
    t.is((await runApart(['--root', root, 'run', '--detach', '--bundle', bundle.path, bundle.id])).status, 0);
    const file = join(root, bundle.id, 'state.json');
    const { cgroup } = JSON.parse(await readFile(file, 'utf8')) as { cgroup: { mountpoint: string; path: string } };
    const directory = cgroup.mountpoint + cgroup.path;
    t.true(existsSync(directory));
    await writeFile(file, 'nonsense');
    t.is((await runKrun(['--root', root, 'gc'])).stdout, `removed ${bundle.id}: its state was damaged`);
    t.false(existsSync(directory));
    t.deepEqual(await readdir(root), []);
  }
});

// create, start, kill and delete. states.test.ts has each command in each state, cut-off.test.ts what becomes of them when they are cut off.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { makeCorner, skipWithoutCgroups } from '../support/cgroups.ts';
import { all, isRoot, withLinux, withoutNamespaces, withProcess } from '../support/change-config.ts';
import { type KrunResult, krunBinary } from '../support/krun.ts';
import { cgroup2Mount } from '../support/leaks.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

type Krun = (...args: string[]) => Promise<KrunResult>;

interface Prepared {
  readonly bundle: Bundle;
  readonly root: string;
  readonly krun: Krun;
}

async function prepare(t: ExecutionContext, args: string[] = ['/bin/sleep', '1000']): Promise<Prepared> {
  const bundle = await makeBundle(t, withProcess({ args }));
  const root = join(bundle.path, 'state');
  const krun: Krun = (...args) => runApart(['--root', root, ...args]);
  t.teardown(async () => {
    for (const id of await readdir(root).catch(() => [])) await krun('delete', '--force', id);
  });
  return { bundle, root, krun };
}

async function statusOf(krun: Krun, id: string): Promise<string> {
  const { status, stdout } = await krun('state', id);
  return status === 0 ? (JSON.parse(stdout) as { status: string }).status : 'none';
}

test('a created container has not run its program, and SIGTERM ends it as it ends a process that waits', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, krun } = await prepare(t, ['/bin/sh', '-c', 'echo ran > /proof']);
  t.is((await krun('create', '--bundle', bundle.path, '--pid-file', join(bundle.path, 'pid'), bundle.id)).status, 0);
  const { pid } = JSON.parse((await krun('state', bundle.id)).stdout) as { pid: number };
  t.is(await readFile(join(bundle.path, 'pid'), 'utf8'), String(pid));
  t.false((await readdir(bundle.rootfs)).includes('proof'));
  t.is((await krun('kill', bundle.id)).status, 0);
  while ((await statusOf(krun, bundle.id)) !== 'stopped');
  t.false((await readdir(bundle.rootfs)).includes('proof'));
});

test('wait returns when the container has ended, and by SIGTERM before', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, root, krun } = await prepare(t);
  await krun('create', '--bundle', bundle.path, bundle.id);
  const interrupted = execa(krunBinary, ['--root', root, 'wait', bundle.id], { reject: false, stdio: 'ignore' });
  setTimeout(() => interrupted.kill('SIGTERM'), 300);
  t.true([143, undefined].includes((await interrupted).exitCode));
  const waiting = krun('wait', bundle.id);
  t.is(await statusOf(krun, bundle.id), 'created');
  await krun('kill', bundle.id, 'KILL');
  t.true([137, 255].includes((await waiting).status)); // 255: it was not there yet
  await krun('delete', bundle.id);
  t.regex((await krun('wait', bundle.id)).stderr, /container does not exist/);
});

test('SIGKILL ends all processes of a container that has no pid namespace of its own', async (t) => {
  if (skipUnless(t, 'root', isRoot) || skipWithoutCgroups(t)) return;
  const path = `${makeCorner(t).path}/c`;
  const script = withProcess({ args: ['/bin/sh', '-c', '/bin/sleep 1000 & /bin/sleep 1001'] });
  const bundle = await makeBundle(t, all(script, withoutNamespaces('pid'), withLinux({ cgroupsPath: path })));
  const krun: Krun = (...args) => runApart(['--root', join(bundle.path, 'state'), ...args]);
  t.teardown(() => krun('delete', '--force', bundle.id));
  t.like(await krun('run', '-d', '--bundle', bundle.path, bundle.id), { status: 0, stderr: '' });
  const procs = join((await cgroup2Mount()) ?? '', path, 'cgroup.procs');
  while ((await readFile(procs, 'utf8')).trim().split('\n').length < 2);
  t.like(await krun('kill', bundle.id, 'KILL'), { status: 0, stderr: '' });
  t.is(await readFile(procs, 'utf8'), '');
});

test('a program that cannot be found fails create, with the words that engines look for', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, root, krun } = await prepare(t, ['no-such-program']);
  const { status, stderr } = await krun('create', '--bundle', bundle.path, bundle.id);
  t.is(status, 1);
  t.regex(stderr, /exec: "no-such-program": executable file not found in \$PATH/);
  t.deepEqual(await readdir(root), []);
});

test('of many that start one container at once exactly one does', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, krun } = await prepare(t);
  await krun('create', '--bundle', bundle.path, bundle.id);
  const results = await Promise.all(Array.from({ length: 6 }, () => krun('start', bundle.id)));
  t.is(results.filter(({ status }) => status === 0).length, 1);
  for (const { status, stderr } of results) if (status !== 0) t.regex(stderr, /cannot start an already running container/);
});

test('run --detach returns while the process runs, and nothing of ours stays beside it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, root, krun } = await prepare(t);
  t.like(await krun('run', '-d', '--bundle', bundle.path, bundle.id), { status: 0, stdout: '', stderr: '' });
  t.is(await statusOf(krun, bundle.id), 'running');
  const { pid } = JSON.parse((await krun('state', bundle.id)).stdout) as { pid: number };
  const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  t.notRegex(await readFile(`/proc/${parent}/cmdline`, 'utf8'), /bin\/krun/);
  t.is((await krun('exec', '-d', bundle.id, 'sleep', '2000')).status, 0);
  t.deepEqual(await naming(bundle.id), []);
  const attended = execa(krunBinary, ['--root', root, 'run', '--bundle', bundle.path, `${bundle.id}-2`], {
    reject: false,
    stdio: 'ignore',
  });
  while ((await statusOf(krun, `${bundle.id}-2`)) !== 'running');
  t.not((await naming(`${bundle.id}-2`)).length, 0);
  await krun('kill', `${bundle.id}-2`, 'KILL');
  await attended;
  t.is((await krun('delete', '-f', bundle.id)).status, 0);
});

test('forty cycles of create, start and delete, eight at a time, leave nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(180_000);
  const { bundle, root, krun } = await prepare(t);
  const work = async (worker: number): Promise<void> => {
    for (let cycle = 0; cycle < 5; cycle++) {
      const id = `${bundle.id}-${worker}-${cycle}`;
      t.like(await krun('create', '--bundle', bundle.path, id), { status: 0, stderr: '' });
      t.like(await krun('start', id), { status: 0, stderr: '' });
      t.like(await krun('delete', '--force', id), { status: 0, stderr: '' });
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
  await assertGone(t, bundle, root, 'the cycles');
});

// What is started for a container has its id among its arguments.
async function naming(id: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.split('\0').includes(id));
}

async function assertGone(t: ExecutionContext, { id }: Bundle, root: string, when: string): Promise<void> {
  t.deepEqual(
    (await readdir(root).catch(() => [])).filter((name) => !name.startsWith('.')),
    [],
    `state after ${when}`,
  );
  const left = (await readdir((await cgroup2Mount()) ?? '/nowhere')).filter((entry) => entry.includes(id));
  t.deepEqual(left, [], `cgroups after ${when}`);
}

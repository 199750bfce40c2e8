import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { type ConfigChange, isRoot, withLinux, withoutNamespaces, withProcess } from '../support/change-config.ts';
import { krunBinary, runBundle, runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

test('the exit status of the process, 0 to 255, is that of krun', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sh', '-c', 'read status; exit $status'] }));
  for (const status of [0, 1, 2, 42, 125, 126, 127, 128, 130, 137, 143, 254, 255]) {
    const result = await runKrun(['run', '--bundle', bundle.path, bundle.id], { stdin: 'pipe', input: `${status}\n` });
    t.deepEqual([result.status, result.stderr], [status, '']);
  }
});

test('a process that a signal ends makes krun exit with 128 and its number', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  // PID 1 of its namespace is spared by signals it sends itself.
  const bundle = await makeBundle(t, (config) =>
    withoutNamespaces('pid')(withProcess({ args: ['/bin/sh', '-c', 'read signal; exec /probe signal $signal'] })(config)),
  );
  for (const signal of [1, 2, 3, 4, 6, 8, 9, 11, 13, 14, 15, 31]) {
    const { status } = await runKrun(['run', '--bundle', bundle.path, bundle.id], { stdin: 'pipe', input: `${signal}\n` });
    t.is(status, 128 + signal, `signal ${signal}`);
  }
});

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGCONT', 'SIGTSTP', 'SIGIO'] as const;

for (const signal of forwarded) {
  test(`${signal} to krun reaches the process`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const number = constants.signals[signal];
    const { child, output } = await startWaiting(t, number);
    child.kill(signal);
    t.is((await child).exitCode, 0);
    t.is((JSON.parse(output().trimEnd().split('\n').at(-1) ?? '') as { signal: number }).signal, number);
  });
}

test('SIGTERM to krun ends a process that does not handle it, if it is not PID 1', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, (config) =>
    withoutNamespaces('pid')(withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] })(config)),
  );
  const { child } = await start(t, bundle);
  child.kill('SIGTERM');
  t.is((await child).exitCode, 143);
});

test('SIGKILL to the process from outside makes krun exit with 137', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }));
  const { child } = await start(t, bundle);
  t.is((await runKrun(['kill', bundle.id, 'KILL'])).status, 0);
  t.is((await child).exitCode, 137);
});

test('SIGKILL to krun itself leaves a container that delete --force removes', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }));
  const { child } = await start(t, bundle);
  child.kill('SIGKILL');
  t.is((await child).signal, 'SIGKILL');
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  t.regex((await runKrun(['state', bundle.id])).stderr, /E_NO_CONTAINER/);
  t.is((await runBundleAgain(bundle)).status, 0);
});

test('a stopped process is not taken for one that has ended', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }));
  const { child } = await start(t, bundle);
  await runKrun(['kill', bundle.id, 'STOP']);
  t.like(JSON.parse((await runKrun(['state', bundle.id])).stdout), { status: 'running' });
  await runKrun(['kill', bundle.id, 'CONT']);
  child.stdin?.end();
  t.is((await child).exitCode, 0);
});

test('a start that fails exits with 1, whatever the reason', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const failing: readonly ConfigChange[] = [
    withProcess({ args: ['/nowhere'] }),
    withProcess({ cwd: '/etc/hosts' }),
    withLinux({ sysctl: { 'kernel.msgmax': 'x' } }),
    (config) => ({ ...config, root: { path: 'missing' } }),
  ];
  for (const change of failing) {
    const { status, stdout, stderr } = await runBundle(t, change);
    t.is(status, 1, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^krun: .+\n(.*\n)* {2}code: E_[A-Z_]+$/);
  }
});

interface Started {
  readonly child: ReturnType<typeof spawnKrun>;
  readonly output: () => string;
}

function spawnKrun(bundle: Bundle) {
  return execa(krunBinary, ['run', '--bundle', bundle.path, bundle.id], {
    reject: false,
    stdin: 'pipe',
    buffer: false,
    stderr: 'inherit',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
}

// Comes back when the process has said that it is ready.
async function start(t: ExecutionContext, bundle: Bundle): Promise<Started> {
  const child = spawnKrun(bundle);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await runKrun(['delete', '--force', bundle.id]); // what a failed test left
  });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      text += data;
      if (text.includes('\n')) resolve();
    });
    child.then(({ exitCode }) => reject(new Error(`krun ended with ${exitCode} before its process was ready`)));
  });
  return { child, output: () => text };
}

async function startWaiting(t: ExecutionContext, signal: number): Promise<Started> {
  return start(t, await makeBundle(t, withProcess({ args: ['/probe', 'wait-for-signal', String(signal)] })));
}

async function runBundleAgain(bundle: Bundle) {
  return runKrun(['run', '--bundle', bundle.path, bundle.id], { cwd: join(bundle.path, '..') });
}

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { hostFacts } from '../support/cgroups.ts';
import { all, type ConfigChange, isRoot, withLinux, withoutNamespaces, withProcess } from '../support/change-config.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { runApart } from '../support/run-apart.ts';
import { skipUnless } from '../support/skip.ts';

const [major = 0, minor = 0] = hostFacts.kernelRelease.split('.').map(Number);
const tellsOthers = major > 6 || (major === 6 && minor >= 15);

for (const [how, args, status] of [
  ['the exit status of the process', ['/probe', 'exit', '7'], 7],
  ['0', ['/bin/true'], 0],
  ['255', ['/probe', 'exit', '255'], 255],
  ['128+n for signal n', ['/probe', 'signal', '15'], 143],
] as const) {
  test(`wait prints ${how} of a detached container, and leaves with it`, async (t) => {
    if (skipUnless(t, 'root and Linux 6.15', isRoot && tellsOthers)) return;
    const change = all(withoutNamespaces('pid'), withProcess({ args: [...args] })); // as pid 1 it would be deaf to its own signals
    t.like(await waitFor(await created(t, change)), { status, stdout: String(status), stderr: '' });
  });
}

test('wait that comes too late says that the status is unknown and why, prints nothing, and leaves with 255', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const parent = await adopt(t, ['/probe', 'exit', '9']);
  // Its parent has not reaped it: the kernel still shows how it ended, whatever its version.
  for (const _ of [1, 2]) t.like(await runKrun(['wait', parent.bundle.id]), { status: 9, stdout: '9', stderr: '' });
  t.is(await parent.reap(), '9');
  const late = await runKrun(['wait', parent.bundle.id]);
  t.like(late, { status: 255, stdout: '' });
  t.regex(late.stderr, /exit status unknown: .* had ended before[\s\S]*hint: let wait begin before[\s\S]*code: E_NO_STATUS/);
});

test('wait that was there before the end knows the status of a process that its parent has reaped at once', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, reap } = await adopt(t, ['/bin/sleep', '1000']);
  const { waiting, pid } = await beginToWait(bundle);
  waiting.kill('SIGSTOP'); // or it would see the zombie
  t.is((await runKrun(['kill', bundle.id, 'KILL'])).status, 0);
  t.is(await reap(), '-9');
  t.throws(() => readFileSync(`/proc/${pid}/stat`), { code: 'ENOENT' });
  waiting.kill('SIGCONT');
  const { exitCode, stdout, stderr } = await waiting;
  if (tellsOthers) t.like({ exitCode, stdout, stderr }, { exitCode: 137, stdout: '137', stderr: '' });
  else t.regex(stderr, /this kernel shows the status to the parent alone[\s\S]*E_NO_STATUS/);
});

test('wait for a container that is not there leaves with 255, as its own status could be any other', async (t) => {
  const { status, stdout, stderr } = await runKrun(['wait', 'no-such-container']);
  t.like({ status, stdout }, { status: 255, stdout: '' });
  t.regex(stderr, /container does not exist/);
});

const oom = all(
  withProcess({ args: ['/probe', 'allocate', '200000000'] }),
  withLinux({ resources: { memory: { limit: 20_000_000n, swap: 20_000_000n } } }),
);
const forks = all(
  withProcess({ args: ['/bin/sh', '-c', 'for i in 1 2 3 4 5 6; do /bin/sleep 1 & done; wait; exit 3'] }),
  withLinux({ resources: { pids: { limit: 3n } } }),
);

for (const [controller, change, line] of [
  [
    'memory',
    oom,
    /^krun: out of memory: the kernel killed .* at its limit of 19996672 bytes|^krun: out of memory: the kernel killed .* at its limit of 20000000 bytes/m,
  ],
  ['pids', forks, /^krun: .* new process was refused: the container was at its limit of 3 processes/m],
] as const) {
  test(`a run that fails at its limit of ${controller} says so in one line with the remedy, and so does wait`, async (t) => {
    const controllers = hostFacts.cgroup2?.look('/').controllers ?? [];
    if (skipUnless(t, `root and the ${controller} controller on cgroup v2`, isRoot && controllers.includes(controller))) return;
    const bundle = await makeBundle(t, change);
    const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id]);
    t.not(status, 0);
    t.regex(stderr, line);
    t.is(stderr.match(/^krun: /gm)?.length, 1);
    const detached = await created(t, change);
    if (tellsOthers) t.regex((await waitFor(detached)).stderr, line);
  });
}

async function created(t: ExecutionContext, change: ConfigChange): Promise<Bundle> {
  const bundle = await makeBundle(t, change);
  t.teardown(() => runKrun(['delete', '--force', bundle.id]));
  t.like(await runApart(['create', '--bundle', bundle.path, bundle.id]), { status: 0, stderr: '' });
  return bundle;
}

/** A detached container whose parent reaps it when it is told to. */
async function adopt(t: ExecutionContext, args: readonly string[]) {
  const bundle = await makeBundle(t, withProcess({ args: [...args] }));
  const program = fileURLToPath(new URL('../support/unreaping-parent.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [program, krunBinary, 'run', '--detach', '--bundle', bundle.path, bundle.id], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await runKrun(['delete', '--force', bundle.id]);
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  t.is((await lines.next()).value, '0');
  const reap = async (): Promise<unknown> => {
    child.stdin.write('\n');
    return (await lines.next()).value;
  };
  return { bundle, reap };
}

/** Starts a created container once `wait` has seen it. */
async function waitFor(bundle: Bundle): Promise<{ status: number | undefined; stdout: string; stderr: string }> {
  const { waiting } = await beginToWait(bundle);
  await runKrun(['start', bundle.id]);
  const { exitCode, stdout, stderr } = await waiting;
  return { status: exitCode, stdout, stderr };
}

async function beginToWait({ id }: Bundle) {
  const { pid } = JSON.parse((await runKrun(['state', id])).stdout) as { pid: number };
  const waiting = execa(krunBinary, ['wait', id], { stdin: 'ignore', reject: false });
  while (!holdsPidfd(waiting.pid ?? 0, pid)) await new Promise((resolve) => setImmediate(resolve));
  return { waiting, pid };
}

function holdsPidfd(holder: number, pid: number): boolean {
  const wanted = new RegExp(`^Pid:\\s*${pid}$`, 'm');
  try {
    return readdirSync(`/proc/${holder}/fdinfo`).some((fd) => wanted.test(readFileSync(`/proc/${holder}/fdinfo/${fd}`, 'latin1')));
  } catch {
    return false; // a descriptor that has just been closed
  }
}

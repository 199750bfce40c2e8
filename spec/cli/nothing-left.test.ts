// Whatever fails and wherever, nothing stays behind; and after a SIGKILL of the helper, nothing after `krun gc` and `krun delete`.
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { runKrun, withArguments } from '../support/krun.ts';
import { cgroup2Mount } from '../support/leaks.ts';
import { testHelper } from '../support/run-plan.ts';

const shapes: Readonly<Record<string, { change: (config: Config) => Config; flags: readonly string[] }>> = {
  'the default configuration': { change: (config) => config, flags: [] },
  'a user namespace and an ephemeral root': { change: withUserNamespace, flags: ['--ephemeral'] },
  'a first process of --init': { change: (config) => config, flags: ['--init'] },
  'a stage process for clock offsets, with limits on the process': { change: withTimeOffsets, flags: [] },
};

for (const [name, { change, flags }] of Object.entries(shapes)) {
  test(`${name}: when any op fails, the error says so and nothing is left`, async (t) => {
    const { bundle, root, ops } = await prepare(t, change, flags);
    for (const { index, op } of ops.filter((op) => !op.isUndo)) {
      const env = { KRUN_TEST_FAIL: String(index) };
      const args = ['--root', root, 'run', ...flags, '--bundle', bundle.path, bundle.id];
      const { exitCode, stderr } = await execa(testHelper, args, { env, reject: false, stdin: 'ignore' });
      t.is(exitCode, 1, `op ${index} ${op}`);
      t.regex(stderr, /code: E_/, `op ${index} ${op}`);
      await assertGone(t, bundle, root, `op ${index} ${op} failed`);
    }
  });

  test(`${name}: when the helper is killed at any op, gc and delete leave nothing`, async (t) => {
    const { bundle, root, ops } = await prepare(t, change, flags);
    for (const { index, op } of ops.filter((op) => !op.isUndo)) {
      const env = { KRUN_TEST_KILL: String(index) };
      const args = ['--root', root, 'run', ...flags, '--bundle', bundle.path, bundle.id];
      const { signal } = await execa(testHelper, args, { env, reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
      t.is(signal, 'SIGKILL', `op ${index} ${op}`);
      t.like(await runKrun(['--root', root, 'delete', '--force', bundle.id]), { status: 0, stderr: '' }, `delete after op ${index} ${op}`);
      t.like(await runKrun(['--root', root, 'gc']), { status: 0, stderr: '' }, `gc after op ${index} ${op}`);
      await assertGone(t, bundle, root, `the helper was killed at op ${index} ${op}`);
    }
  });
}

test('an interrupt at any moment of a start leaves nothing', async (t) => {
  const bundle = await makeBundle(t, (config) => withArguments(config, ['/bin/true']));
  const root = join(bundle.path, 'state');
  for (let milliseconds = 0; milliseconds < 60; milliseconds += 3) {
    const child = execa(testHelper, ['--root', root, 'run', '--bundle', bundle.path, bundle.id], { reject: false, stdin: 'ignore' });
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline) await setImmediate();
    child.kill('SIGINT');
    const { exitCode, signal } = await child; // the signal itself: before the helper's first lines
    t.true(exitCode === 130 || exitCode === 0 || signal === 'SIGINT', `${milliseconds} ms: ${exitCode}`);
    await assertGone(t, bundle, root, `interrupted after ${milliseconds} ms`);
  }
});

interface NumberedOp {
  readonly index: number;
  readonly op: string;
  readonly isUndo: boolean;
}

async function prepare(t: ExecutionContext, change: (config: Config) => Config, flags: readonly string[]) {
  t.timeout(240_000);
  const bundle = await makeBundle(t, (config) => change(withArguments(config, ['/bin/sleep', '1000'])));
  const root = join(bundle.path, 'state');
  const { stdout } = await runKrun(['--root', root, 'plan', '--json', ...flags, '--bundle', bundle.path, bundle.id]);
  const ops = numberOps(JSON.parse(stdout) as PlannedOp[]);
  const wait = ops.findIndex(({ op }) => op === 'wait'); // what follows waits for an end that does not come
  const reached = ops.slice(0, wait);
  t.true(reached.length > 40);
  return { bundle, root, ops: reached };
}

interface PlannedOp {
  readonly op: string;
  readonly program?: readonly PlannedOp[] | string;
}

// The helper numbers an op before those nested in it.
function numberOps(plan: readonly PlannedOp[], isUndo = false, numbered: NumberedOp[] = []): NumberedOp[] {
  for (const { op, program } of plan) {
    numbered.push({ index: numbered.length, op, isUndo });
    if (Array.isArray(program)) numberOps(program, isUndo || op === 'onExit', numbered);
  }
  return numbered;
}

async function assertGone(t: ExecutionContext, { path, id }: Bundle, root: string, when: string): Promise<void> {
  t.deepEqual(await readdir(root).catch(() => []), [], `state after ${when}`);
  t.deepEqual(await mountsBelow(path), [], `mounts after ${when}`);
  const cgroups = (await cgroup2Mount()) ?? '/nowhere';
  const left = (await readdir(cgroups)).filter((entry) => entry.includes(id));
  t.deepEqual(left, [], `cgroups after ${when}`);
  t.false(await exists(join(path, 'rootfs/.krun')), when);
}

async function mountsBelow(path: string): Promise<string[]> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(path));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function withUserNamespace(config: Config): Config {
  const mapping = { containerID: 0, hostID: 100_000, size: 65_536 };
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return { ...config, linux: { ...config.linux, namespaces, uidMappings: [mapping], gidMappings: [mapping] } };
}

function withTimeOffsets(config: Config): Config {
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'time' as const }];
  return { ...config, linux: { ...config.linux, namespaces, timeOffsets: { boottime: { secs: 1000n, nanosecs: 0 } } } };
}

import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { compilePlan } from '../../runtime/plan/compile.ts';
import { baseConfig, makeBundle } from '../support/bundle.ts';
import { all, isRoot, withoutNamespaces, withProcess } from '../support/change-config.ts';
import { requestFor } from '../support/compile-request.ts';
import { krunBinary, removeContainer } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

// The process leaves an orphan that lives, says who adopted it, and one that ends.
const script = `/bin/sh -c '/bin/sleep 1000 & echo $!; /bin/true &'; echo; read line`;

test('a container without a pid namespace leaves its orphans to krun, which reaps them', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { krun, orphan, end } = await start(t, []);
  t.is(await parentOf(orphan), krun);
  process.kill(orphan, 'SIGKILL');
  while ((await parentOf(orphan)) !== null); // reaped, not a zombie
  t.is(await end(), 0);
});

test('with --no-subreaper it leaves them to others', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { krun, orphan, end } = await start(t, ['--no-subreaper']);
  t.not(await parentOf(orphan), krun);
  t.is(await end(), 0);
});

test('who attends to a container without a pid namespace is a subreaper, and nobody else', (t) => {
  const shared = withoutNamespaces('pid')(baseConfig());
  const isPlanned = (...[config, others]: Parameters<typeof requestFor>) =>
    compilePlan(requestFor(config, others)).some(({ op }) => op === 'setSubreaper');
  t.true(isPlanned(shared));
  t.false(isPlanned(shared, { noSubreaper: true }));
  t.false(isPlanned(shared, { init: true }), 'its own pid 1 is one');
  t.false(isPlanned(shared, { mode: 'detach' }), 'the helper leaves');
  t.false(isPlanned(baseConfig()), 'orphans stay in the namespace');
});

async function start(t: ExecutionContext, flags: readonly string[]) {
  const bundle = await makeBundle(t, () => all(withoutNamespaces('pid'), withProcess({ args: ['/bin/sh', '-c', script] }))(baseConfig()));
  const child = execa(krunBinary, ['run', ...flags, '--bundle', bundle.path, bundle.id], {
    reject: false,
    stdin: 'pipe',
    buffer: { stdout: false },
  });
  t.teardown(() => removeContainer(bundle.id));
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes('\n\n')) break;
  }
  child.stdout.resume();
  const orphan = Number(output.trim());
  t.teardown(() => {
    try {
      process.kill(orphan, 'SIGKILL');
    } catch {} // it has gone
  });
  const end = async () => {
    child.stdin.end('\n');
    return (await child).exitCode;
  };
  return { krun: child.pid ?? 0, orphan, end };
}

async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

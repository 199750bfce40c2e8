// What runs the supervisor of one call: the small engine where it was built, else Node.
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const tree = fileURLToPath(new URL('../../', import.meta.url));
const hasEngine = existsSync(join(tree, 'dist/engine'));

test('a start is answered by the engine, without Node', async (t) => {
  if (skipUnless(t, 'root and the source of QuickJS', isRoot && hasEngine)) return;
  t.deepEqual(await programsOf(t, krunBinary, ['run']), ['engine']);
});

test('without the engine Node answers, and the container runs the same', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const copy = await copyWithout(t, /^engine$|\.bin$/);
  t.deepEqual(await programsOf(t, join(copy, 'bin/krun'), ['run']), ['node']);
});

test('where a bundle was not compiled, the engine becomes Node', async (t) => {
  if (skipUnless(t, 'root and the source of QuickJS', isRoot && hasEngine)) return;
  const copy = await copyWithout(t, /^handle-failure\.bin$/);
  const bundle = await makeBundle(t, withProcess({ args: ['/no/such/program'] }));
  const { exitCode, stderr } = await execa(join(copy, 'bin/krun'), ['run', '--bundle', bundle.path, bundle.id], { reject: false });
  t.is(exitCode, 1);
  t.regex(stderr, /"\/no\/such\/program".*ENOENT[\s\S]*code: E_/);
});

test('a small stack makes deep nesting an error, not a fault', async (t) => {
  if (skipUnless(t, 'the source of QuickJS', hasEngine)) return;
  const bundle = await makeBundle(t);
  await writeFile(join(bundle.path, 'config.json'), '['.repeat(500_000));
  const words = ['-c', 'ulimit -s 256; exec "$0" "$@"', krunBinary, 'run', '--bundle', bundle.path, bundle.id];
  const { exitCode, stderr } = await execa('sh', words, { reject: false, stdin: 'ignore' });
  t.is(exitCode, 1);
  t.regex(stderr, /code: E_/);
});

// The supervisors that answered on the way of a container that runs and says so.
async function programsOf(t: ExecutionContext, krun: string, command: readonly string[]): Promise<string[]> {
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'here'] }));
  const trace = join(bundle.path, 'trace');
  const words = ['-f', '-e', 'trace=execve', '-e', 'signal=none', '-o', trace, krun, ...command, '--bundle', bundle.path, bundle.id];
  const { stdout, exitCode } = await execa('strace', words, { reject: false, stdin: 'ignore' });
  t.deepEqual([exitCode, stdout], [0, 'here']);
  const { stdout: lines } = await execa('grep', ['-oE', 'dist/(engine|node)", .*= 0$', trace]);
  return lines.split('\n').map((line) => /^dist\/(\w+)/.exec(line)?.[1] ?? line);
}

async function copyWithout(t: ExecutionContext, left: RegExp): Promise<string> {
  const copy = await mkdtemp(join(tree, '.cache/home-'));
  t.teardown(() => rm(copy, { recursive: true }));
  await mkdir(join(copy, 'bin'));
  await link(krunBinary, join(copy, 'bin/krun'));
  await execa('cp', ['-al', join(tree, 'dist'), copy]);
  const files = (await readdir(join(copy, 'dist'))).filter((name) => left.test(name));
  await Promise.all(files.map((name) => rm(join(copy, 'dist', name))));
  return copy;
}

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { execa } from 'execa';

const script = fileURLToPath(new URL('../../scripts/count-tests.mjs', import.meta.url));
const tap = [
  'check ok build',
  'check begun lint',
  'check ok lint',
  'TAP version 13',
  'ok 1 - passes',
  'ok 2 - never runs # SKIP',
  'ok 3 - lacks a thing',
  '#   skipped: needs the memory controller',
];

test('passed checks and tests are counted together, skips by what they lack', async (t) => {
  const { stdout, exitCode } = await count([...tap, '1..3', 'check status 0']);
  t.is(exitCode, 0);
  t.is(stdout.split('\n').at(-1), '3 passed, 0 failed, 2 skipped');
  t.regex(stdout, /the memory controller: 1 *\n +lacks a thing/);
});

test('a failed test is shown whole and fails the run', async (t) => {
  const { stdout, exitCode } = await count([...tap, 'not ok 4 - breaks', '  ---', '    message: why', '  ...', 'check status 1']);
  t.is(exitCode, 1);
  t.regex(stdout, /not ok 4 - breaks\n {2}---\n {4}message: why/);
  t.is(stdout.split('\n').at(-1), '3 passed, 1 failed, 2 skipped');
});

test('a failed check fails the run', async (t) => {
  const { stdout, exitCode } = await count([...tap, 'check status 0', 'check failed types']);
  t.is(exitCode, 1);
  t.is(stdout.split('\n').at(-1), '3 passed, 1 failed, 2 skipped');
});

test('ava ending badly without a failed test is a failure', async (t) => {
  t.is((await count([...tap, 'check status 1'])).exitCode, 1);
  t.is((await count(tap)).exitCode, 1);
});

async function count(lines: readonly string[]): Promise<{ stdout: string; exitCode: number | undefined }> {
  const { stdout, exitCode } = await execa(process.execPath, [script], { input: `${lines.join('\n')}\n`, reject: false });
  return { stdout, exitCode };
}

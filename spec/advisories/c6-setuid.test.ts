// CVE-2016-8659 and its kind: a setuid helper lends its rights to whoever calls it.
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { controlHelper } from '../support/advisory.ts';
import { testHelper } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

for (const [name, mode] of [
  ['setuid', 0o4755],
  ['setgid', 0o2755],
] as const) {
  test(`a ${name} copy of the helper refuses to work`, async (t) => {
    if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
    const { exitCode, stderr } = await runAsNobody(t, testHelper, mode);
    t.is(exitCode, 1);
    t.regex(stderr, /^krun: E_SECURE: /);
  });
}

test('a setuid copy of the helper refuses to work: not without the rule NO_BORROWED_PRIVILEGES', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  const { stderr } = await runAsNobody(t, controlHelper('NO_BORROWED_PRIVILEGES'), 0o4755);
  t.notRegex(stderr, /E_SECURE/);
});

// An abused channel: without the rule it gets as far as asking its supervisor.
async function runAsNobody(t: ExecutionContext, binary: string, mode: number) {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-setuid-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  const copy = join(directory, 'krun');
  copyFileSync(binary, copy);
  chmodSync(copy, mode);
  return execa(copy, ['run', 'x'], { uid: 65_534, gid: 65_534, env: { KRUN_CHANNEL: '99' }, reject: false, stdin: 'ignore' });
}

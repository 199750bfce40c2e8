import { existsSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { krunBinary, removeContainer, runKrun, withArguments } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const hasSystemd = existsSync('/run/systemd/system');

test('whatever op of a start fails, or at whichever the helper is killed, gc leaves no unit', async (t) => {
  if (skipUnless(t, 'systemd', hasSystemd)) return;
  const bundle = await makeBundle(t, (config) => withArguments(config, ['/bin/sleep', '1000']));
  const unit = `krun-${bundle.id}.scope`;
  const args = ['--systemd-cgroup', 'run', '-d', '-b', bundle.path, bundle.id];
  const plan = JSON.parse((await runKrun(['--systemd-cgroup', 'plan', '--json', '-d', '-b', bundle.path, bundle.id])).stdout) as {
    op: string;
  }[];
  t.teardown(() => removeContainer(bundle.id));
  for (const [index, op] of numbered(plan)) {
    if (!chosen.has(op)) continue;
    for (const how of ['KRUN_TEST_FAIL', 'KRUN_TEST_KILL']) {
      await execa(krunBinary.replace(/krun$/, 'krun-test'), args, { reject: false, stdio: 'ignore', env: { [how]: String(index) } });
      await runKrun(['delete', '--force', bundle.id]);
      await runKrun(['gc']);
      await t.notThrowsAsync(
        untilAsync(async () => (await loadState(unit)) === 'not-found'),
        `${how} at ${index} ${op}`,
      );
    }
  }
});

// Those between which there is a scope, or a part of one.
const chosen = new Set([
  'startAnchor',
  'callBus',
  'adoptCgroup',
  'clone',
  'endAnchor',
  'recordInit',
  'attachDeviceProgram',
  'renameStateFile',
]);

// As the helper counts: a nested program's ops after its own.
function numbered(plan: readonly { readonly op: string; readonly program?: readonly { op: string }[] }[]): [number, string][] {
  const names: string[] = [];
  const walk = (program: typeof plan) => {
    for (const { op, program: nested } of program) {
      names.push(op);
      if (nested !== undefined) walk(nested);
    }
  };
  walk(plan);
  return names.map((name, index) => [index, name]);
}

async function loadState(unit: string): Promise<string> {
  return (await execa('systemctl', ['show', '--value', '-p', 'LoadState', unit])).stdout.trim();
}

async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await condition()); ) if (Date.now() > deadline) throw new Error('never came true');
}

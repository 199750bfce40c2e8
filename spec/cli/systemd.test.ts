// --systemd-cgroup where systemd is not; where it is: spec/vm/systemd.test.ts.
import { existsSync } from 'node:fs';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { runKrun } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

const hasSystemd = existsSync('/run/systemd/system');

for (const flags of [['--systemd-cgroup'], ['-s'], ['--cgroup-manager', 'systemd']]) {
  test(`${flags.join(' ')} without systemd is refused with what to do instead, and nothing is left`, async (t) => {
    if (skipUnless(t, 'a system without systemd', !hasSystemd)) return;
    const bundle = await makeBundle(t);
    const before = await hostSnapshot();
    for (const command of ['run', 'create']) {
      const { status, stderr } = await runKrun([...flags, command, '--bundle', bundle.path, bundle.id]);
      t.is(status, 1);
      t.regex(stderr, /code: E_NO_SYSTEMD/);
      t.regex(stderr, /hint: leave out --systemd-cgroup/);
    }
    await assertNothingLeft(t, before, bundle);
  });
}

test('--systemd-cgroup is nothing to a command that makes no cgroup', async (t) => {
  t.like(await runKrun(['--systemd-cgroup', 'gc', 'nobody-has-this-id']), { status: 0, stderr: '' });
  t.is((await runKrun(['--systemd-cgroup', 'delete', '--force', 'nobody-has-this-id'])).status, 0);
});

test('--systemd-cgroup=false leaves cgroups to krun', async (t) => {
  const bundle = await makeBundle(t, (config) => ({ ...config, process: { ...config.process, args: ['/bin/true'] } }));
  t.like(await runKrun(['--systemd-cgroup=false', 'run', '--bundle', bundle.path, bundle.id]), { status: 0, stderr: '' });
});

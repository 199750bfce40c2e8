import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { runKrun } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

test('50 containers at once all run, and leave nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(120_000);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'here'] }));
  const before = await hostSnapshot();
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, index) => runKrun(['run', '--ephemeral', '--bundle', bundle.path, `${bundle.id}-${index}`])),
  );
  for (const { status, stdout, stderr } of results) t.deepEqual([status, stdout, stderr], [0, 'here', '']);
  await assertNothingLeft(t, before, bundle);
});

test('300 containers one after another leak nothing: no mount, cgroup, process, state or file', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(180_000);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  const root = join(bundle.path, 'state');
  const before = await hostSnapshot();
  for (let count = 0; count < 300; count++) {
    const { status, stderr } = await runKrun(['--root', root, 'run', '--bundle', bundle.path, bundle.id]);
    if (status !== 0 || stderr !== '') t.fail(`run ${count}: ${status} ${stderr}`);
  }
  t.deepEqual(await readdir(root), []);
  await assertNothingLeft(t, before, bundle);
});

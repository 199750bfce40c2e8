// Thousands of containers: nothing may be left, and nothing may depend on how they meet.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { makeLauncher } from '../support/launcher.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

const cycles = Number(process.env.KRUN_CYCLES ?? 2000);
const atOnce = 8;

test('two thousand cycles of create, start and delete, eight at a time, leave nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(600_000);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sleep', '1000'] }));
  const root = join(bundle.path, 'state');
  const before = await hostSnapshot();
  const { run } = await makeLauncher(t, atOnce + 1);
  let next = 0;
  const begin = Date.now();
  const work = async (): Promise<void> => {
    for (let cycle = next++; cycle < cycles; cycle = next++) {
      const id = `${bundle.id}-${cycle}`;
      for (const words of [
        ['create', '--bundle', bundle.path, id],
        ['start', id],
        ['delete', '--force', id],
      ]) {
        const { status, stderr } = await run(['--root', root, ...words]);
        if (status !== 0 || stderr !== '') t.fail(`cycle ${cycle}: ${words[0]}: ${status} ${stderr}`);
      }
    }
  };
  let over = false;
  const collect = async (): Promise<void> => {
    while (!over) {
      const { status, stderr, stdout } = await run(['--root', root, 'gc']);
      const rest = stdout.replace(/^removed \S+: it was never made whole\n/gm, ''); // before its maker had locked it, who then made it anew
      if (status !== 0 || stderr !== '' || rest !== '') t.fail(`gc: ${status} ${stderr} ${stdout}`);
    }
  };
  const collecting = collect();
  await Promise.all(Array.from({ length: atOnce }, work));
  over = true;
  await collecting;
  t.log(`${Date.now() - begin} ms`);
  t.deepEqual(
    (await readdir(root)).filter((name) => !name.startsWith('.')),
    [],
  );
  await assertNothingLeft(t, before, bundle);
});

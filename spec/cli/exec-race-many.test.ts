// exec-race.test.ts once more, where a supervisor answers at once: two thousand times, and closer to the end than Node's boot lets it come.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { type Launched, makeLauncher } from '../support/launcher.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { skipUnless } from '../support/skip.ts';

const races = Number(process.env.KRUN_RACES ?? 2000);
const execsPerContainer = 10;
const atOnce = 3;

test('of two thousand execs against the end of their container each runs, or says that the container does not', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.timeout(600_000);
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sleep', '1000'] }));
  const root = join(bundle.path, 'state');
  const before = await hostSnapshot();
  const launcher = await makeLauncher(t, atOnce * 4);
  const run = (...words: string[]): Promise<Launched> => launcher.run(['--root', root, ...words]);
  const seen = new Map<string, number>();

  // The times are what is raced with, no waiting for something: an exec takes a few milliseconds.
  const race = async (id: string): Promise<void> => {
    t.like(await run('create', '--bundle', bundle.path, id), { status: 0, stderr: '' });
    t.like(await run('start', id), { status: 0, stderr: '' });
    const { pid } = JSON.parse((await run('state', id)).stdout) as { pid: number };
    const execs = Array.from({ length: execsPerContainer }, async () => {
      await after(Math.random() * 20);
      return run('exec', id, 'echo', 'ran');
    });
    await after(Math.random() * 30);
    if (Math.random() < 0.5) process.kill(pid, 'SIGKILL');
    else t.like(await run('delete', '--force', id), { status: 0, stderr: '' });
    for (const outcome of (await Promise.all(execs)).map(outcomeOf)) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    t.like(await run('delete', '--force', id), { status: 0, stderr: '' });
  };

  let next = 0;
  const work = async (): Promise<void> => {
    for (let round = next++; round < races / execsPerContainer; round = next++) await race(`${bundle.id}-${round}`);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  t.log([...seen].map(([outcome, count]) => `${outcome}: ${count}`).join(', '));
  t.deepEqual(
    [...seen.keys()].filter((outcome) => !['ran', 'killed as it ran', 'E_NOT_RUNNING', 'E_NO_CONTAINER'].includes(outcome)),
    [],
  );
  t.true((seen.get('ran') ?? 0) > races / 20, 'some ran');
  t.true((seen.get('E_NOT_RUNNING') ?? 0) > races / 20, 'some came too late');
  t.deepEqual(
    (await readdir(root)).filter((name) => !name.startsWith('.')),
    [],
  );
  await assertNothingLeft(t, before, bundle);
});

function outcomeOf({ status, stdout, stderr }: Launched): string {
  if (status === 0 && stdout === 'ran\n' && stderr === '') return 'ran';
  if (status === 137 && stderr === '') return 'killed as it ran';
  const code = /code: (E_\w+)/.exec(stderr)?.[1] ?? '';
  return status === 255 && (code === 'E_NOT_RUNNING' || code === 'E_NO_CONTAINER') ? code : `${status} ${stdout} ${stderr}`;
}

// Between the supervisor's look at a container and the helper's ops anything can happen: what is removed is what was looked at.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { makeLauncher } from '../support/launcher.ts';
import { skipUnless } from '../support/skip.ts';

type Run = (...words: string[]) => Promise<{ status: number; stdout: string; stderr: string }>;

interface Place {
  readonly path: string;
  readonly id: string;
  readonly root: string;
}

const makeStopped = async (run: Run, { path, id }: Place): Promise<void> => {
  await run('create', '--bundle', path, id);
  await run('kill', id, 'KILL');
  while ((await statusOf(run, id)) !== 'stopped');
};

const made: Readonly<Record<string, (run: Run, place: Place) => Promise<unknown>>> = {
  stopped: makeStopped,
  created: (run, { path, id }) => run('create', '--bundle', path, id),
  'half-made': (_run, { root, id }) => mkdir(join(root, id), { recursive: true, mode: 0o700 }),
  damaged: async (_run, { root, id }) => {
    await mkdir(join(root, id), { recursive: true, mode: 0o700 });
    await writeFile(join(root, id, 'state.json'), '{"id":\0');
  },
};

for (const [command, status] of [
  ['delete', 'stopped'],
  ['delete', 'created'],
  ['delete --force', 'stopped'],
  ['delete --force', 'created'],
  ['delete --force', 'half-made'],
  ['gc', 'stopped'],
  ['gc', 'half-made'],
  ['gc', 'damaged'],
] as const) {
  test(`${command} that is late for a ${status} container leaves the one that has its id by now`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { run, runLate, place } = await prepare(t, async (run, { id, path }) => {
      await run('gc', id);
      await run('delete', '--force', id);
      t.like(await run('create', '--bundle', path, id), { status: 0, stderr: '' });
    });
    await made[status]?.(run, place);
    t.like(await runLate(...command.split(' '), place.id), { status: 0, stdout: '', stderr: '' });
    t.is(await statusOf(run, place.id), 'created');
    t.like(await run('start', place.id), { status: 0, stderr: '' });
    t.is(await statusOf(run, place.id), 'running');
  });

  test(`${command} of a ${status} container removes it when nobody comes between`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { run, runLate, place } = await prepare(t, async () => {});
    await made[status]?.(run, place);
    const { status: exit, stdout } = await runLate(...command.split(' '), place.id);
    t.is(exit, 0);
    if (command === 'gc') t.regex(stdout, new RegExp(`^removed ${place.id}`));
    t.deepEqual(await readdir(place.root), []);
  });
}

async function prepare(t: ExecutionContext, meanwhile: (run: Run, place: Place) => Promise<void>) {
  const { path, id } = await makeBundle(t, withProcess({ args: ['/bin/sleep', '1000'] }));
  const place: Place = { path, id, root: join(path, 'state') };
  const direct = await makeLauncher(t, 1);
  const run: Run = (...words) => direct.run(['--root', place.root, ...words]);
  const late = await makeLauncher(t, 1, () => meanwhile(run, place));
  const runLate: Run = (...words) => late.run(['--root', place.root, ...words]);
  t.teardown(() => run('delete', '--force', id));
  return { run, runLate, place };
}

async function statusOf(run: Run, id: string): Promise<string> {
  const { status, stdout } = await run('state', id);
  return status === 0 ? (JSON.parse(stdout) as { status: string }).status : 'absent';
}

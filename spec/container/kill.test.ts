// A container's config.json is saved while its first process mounts: until then there is none to read.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Caller } from '../../runtime/container/caller.ts';
import { killContainer } from '../../runtime/container/kill.ts';
import type { KillOptions } from '../../runtime/container/options.ts';
import { bootId, describeProcess } from '../../runtime/container/stored-state.ts';
import type { Plan } from '../../runtime/plan/ops.ts';

const SIGKILL = 9;

for (const all of [false, true]) {
  test(`kill${all ? ' --all' : ''} of one that is being created is refused, saved or not`, async (t) => {
    const root = await makeState(t, { creating: describeProcess(process.pid) });
    t.throws(() => kill(root, all), { code: 'E_NOT_RUNNING', message: 'container not running: half is creating' });
  });
}

test('kill --all of what ended before it was saved ends what is left in its cgroup', async (t) => {
  const root = await makeState(t, {});
  t.deepEqual(
    kill(root, true).map(({ op }) => op),
    ['openCgroup', 'killCgroup', 'exit'],
  );
});

function kill(root: string, all: boolean): Plan {
  return killContainer({} as Caller, { root, id: 'half', signal: SIGKILL, all } as KillOptions);
}

async function makeState(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'krun-kill-'));
  t.teardown(() => rm(root, { recursive: true }));
  const state = { ociVersion: '1.3.0', id: 'half', bundle: '/b', rootfs: '/b/rootfs', bootId: bootId() };
  const place = { created: '', annotations: {}, owner: 0, cgroup: { mountpoint: '/sys/fs/cgroup', path: '/half' } };
  await mkdir(join(root, 'half'));
  for (const [name, content] of Object.entries({ 'state.json': JSON.stringify({ ...state, ...place }), ...files }))
    await writeFile(join(root, 'half', name), content);
  return root;
}

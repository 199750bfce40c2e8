// runc #4417 and 1.5.3: mounts, or changes of propagation, that show on a host whose mounts are shared (as systemd makes them).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory } from '../support/advisory.ts';
import {
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  makeStage,
  mount,
  mountProc,
  moveMount,
  openTree,
  type RootfsPlan,
  rootfsPlan,
  type Stage,
  setPathReadonly,
} from '../support/rootfs-plan.ts';
import { runPlan, testHelper } from '../support/run-plan.ts';

// The helper runs in a mount namespace of its own, all of it shared, whose mounts are compared.
async function changesOutside(stage: Stage, binary: string, plan: RootfsPlan): Promise<string[]> {
  const [before, after] = [join(stage.rootfs, '../before'), join(stage.rootfs, '../after')];
  const script = `mount --bind ${stage.canary} ${stage.canary} && mount -t tmpfs inner ${stage.canary}/directory && mount --make-rshared / || exit 99
    cat /proc/self/mountinfo >${before}; "$@"; status=$?; cat /proc/self/mountinfo >${after}; exit $status`;
  const wrapper = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh'];
  const { failure, status, stderr } = await runPlan(rootfsPlan(stage.rootfs, plan, []), { binary, wrapper });
  const lines = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).trimEnd().split('\n');
  const old = await lines(before);
  const found = await lines(after);
  const harm = [
    ...found.filter((line) => !old.includes(line)),
    ...old.filter((line) => !found.includes(line)).map((line) => `gone: ${line}`),
  ];
  return failure === null && status === 0 ? harm : [...harm, `failed: ${JSON.stringify(failure)} ${stderr}`];
}

const container: RootfsPlan = { setUp: [mountProc, mount('/dev', 'tmpfs'), setPathReadonly('/etc')] };

// rootfsPropagation: shared. The mount that the rootfs stands on is then the host's peer.
advisory(
  'a container on a root that stays shared shows nothing on a host that shares its mounts',
  'PRIVATE_CLONES',
  async (stage, binary) => changesOutside(stage, binary, { ...container, propagation: MS_SHARED }),
);

for (const [name, propagation] of Object.entries({ slave: MS_SLAVE, private: MS_PRIVATE })) {
  test(`nor does one on a ${name} root`, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    t.deepEqual(await changesOutside(stage, testHelper, { ...container, propagation }), []);
  });
}

advisory('what is mounted inside of a bind mount does not show in its source', 'PRIVATE_CLONES', async (stage, binary) =>
  changesOutside(stage, binary, {
    host: [openTree(stage.canary)],
    setUp: [moveMount('/bound'), mount('/bound/directory', 'tmpfs')],
  }),
);

test('nor if the bind mount is to be a slave, which sees what the host mounts', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const host = [openTree(stage.canary, { propagation: MS_SLAVE, recursivePropagation: true })];
  const setUp = [moveMount('/bound'), mount('/bound/directory', 'tmpfs'), mountProc];
  t.deepEqual(await changesOutside(stage, testHelper, { host, setUp }), []);
});

test('a bind mount that is to be shared with the host shows there: that is what was asked for', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const host = [openTree(stage.canary, { propagation: MS_SHARED, recursivePropagation: true })];
  const changes = await changesOutside(stage, testHelper, {
    host,
    setUp: [moveMount('/bound'), mount('/bound/directory', 'tmpfs', { source: 'ours' })],
  });
  t.is(changes.length, 1);
  t.regex(changes[0] ?? '', new RegExp(`${stage.canary}/directory .* - tmpfs ours`));
});

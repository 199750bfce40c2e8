// CVE-2024-45310, GHSA-pxhw-h44j-8pfx: missing mount points were made on the host, through links of the image or of another container.
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory, namesIn, whenStopped } from '../support/advisory.ts';
import {
  createDirectory,
  MS_SLAVE,
  makeStage,
  mount,
  moveMount,
  openRoot,
  openTree,
  rootfsPlan,
  setPropagation,
  snapshot,
} from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

advisory('a link that appears where a mount point is just being made is not followed', 'EXCLUSIVE_CREATION', async (stage, binary) => {
  const { failure } = await runPlan(
    rootfsPlan(stage.rootfs, { host: [openTree(join(stage.canary, 'file'))], setUp: [moveMount('/etc/new')] }, []),
    {
      binary,
      env: { KRUN_TEST_STOP: 'component-missing' },
      started: whenStopped(async (_pid, stop) => {
        if (stop === 0) await symlink(join(stage.canary, 'made'), join(stage.rootfs, 'etc/new'));
      }),
    },
  );
  const names = await namesIn(stage.canary);
  return names === 'directory file ptmx' ? [] : [`made on the host: ${names}, ${JSON.stringify(failure)}`];
});

for (const [kind, target] of [
  ['absolute', (canary: string) => join(canary, 'missing')],
  ['relative', (canary: string) => `../../../../../../..${canary}/missing`],
  ['`..`', (canary: string) => `/../..${canary}/directory/../missing`],
] as const) {
  test(`what a dangling ${kind} link names is made inside of the root only`, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    await symlink(target(stage.canary), join(stage.rootfs, 'out'));
    const setUp = [
      createDirectory('/out/deep/er'),
      mount('/out/mount', 'tmpfs'),
      openTree(join(stage.canary, 'file')),
      moveMount('/out/file'),
    ];
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp }, []));
    t.is(failure, null);
    t.is(await namesIn(join(stage.rootfs, stage.canary, 'missing')), 'deep file mount');
    await stage.assertHostUnchanged();
  });
}

// A container that shares the volume turns a directory into a link and back, as fast as it can, while we make others below it.
const exchange = `
import ctypes, sys
libc = ctypes.CDLL(None)
a, b = (path.encode() for path in sys.argv[1:3])
while True: libc.renameat2(-100, a, -100, b, 2)
`;

test('500 directories made while a component is exchanged with a link to the host are made inside of the root only', async (t) => {
  const stage = await makeStage(t);
  if (stage === null || skipUnless(t, 'python3', await hasPython())) return;
  const { rootfs, canary } = stage;
  await mkdir(join(rootfs, 'data'));
  await symlink(canary, join(rootfs, 'link'));
  const before = await snapshot(canary);
  const exchanger = execFile('/usr/bin/python3', ['-c', exchange, join(rootfs, 'data'), join(rootfs, 'link')]);
  t.teardown(() => exchanger.kill('SIGKILL'));
  for (let round = 0; round < 20; round++) {
    const directories = Array.from({ length: 25 }, (_, index) => createDirectory(`/data/${round}/${index}/x`));
    await runPlan([
      {
        op: 'clone',
        pointer: '',
        flags: 0x20000n,
        cgroup: null,
        program: [setPropagation('/', MS_SLAVE), openRoot(rootfs), ...directories],
      },
      { op: 'waitForExecute', pointer: '' },
    ]);
  }
  exchanger.kill('SIGKILL');
  t.deepEqual(await snapshot(canary), before);
});

function hasPython(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('/usr/bin/python3', ['-c', ''], (error) => resolve(error === null));
  });
}

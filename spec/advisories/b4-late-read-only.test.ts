// CVE-2026-115521: a read-only remount after pivot_root went through /proc/self/fd, which by then was the container's.
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory } from '../support/advisory.ts';
import { actInRootfs, makeStage, mount, RDONLY, remount, rootfsPlan, type Stage, setPathReadonly } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

async function fakeDescriptors(stage: Stage): Promise<void> {
  await mkdir(join(stage.rootfs, 'proc/self/fd'), { recursive: true });
  await mkdir(join(stage.rootfs, 'decoy'));
  for (let fd = 0; fd < 64; fd++) await symlink('/decoy', join(stage.rootfs, `proc/self/fd/${fd}`));
}

advisory('a faked /proc/self/fd does not turn a late read-only remount aside', 'ATTRIBUTES_BY_DESCRIPTOR', async (stage, binary) => {
  await fakeDescriptors(stage);
  const plan = { setUp: [mount('/decoy', 'tmpfs')], afterPivot: [remount('/', { set: RDONLY })] };
  const { failure, stdout } = await runPlan(rootfsPlan(stage.rootfs, plan, [['create', '/written']]), { binary });
  const errno = failure === null ? (JSON.parse(stdout) as { errno: number }).errno : -1;
  return errno === 30 ? [] : [`the root can be written: ${errno} ${JSON.stringify(failure)}`];
});

test('read-only paths hold with a faked /proc/self/fd, and without any /proc', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const actions = [
    ['create', '/etc/x'],
    ['write', '/etc/hosts', 'x'],
  ];
  for (const prepare of [async () => {}, () => fakeDescriptors(stage)]) {
    await prepare();
    for (const when of ['setUp', 'afterPivot']) {
      const outcomes = await actInRootfs(t, stage.rootfs, { [when]: [setPathReadonly('/etc')] }, actions);
      t.deepEqual(
        outcomes.map(({ errno }) => errno),
        [30, 30],
        when,
      );
    }
  }
});

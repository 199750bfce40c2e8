// CVE-2021-30465, CVE-2015-3629, CVE-2019-18837, CVE-2024-1753: the image, or a container that shares a volume, turns a mount's
// destination into a symlink, before it is resolved or between that and the mount.
import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { advisory, whenStopped } from '../support/advisory.ts';
import { mount, mountProc, rootfsPlan, type Stage } from '../support/rootfs-plan.ts';
import { type PlanOptions, runPlan } from '../support/run-plan.ts';

// A mount is either refused or seen in the container: if neither, it went to the host.
async function mountGoneAstray(stage: Stage, destination: string, options: PlanOptions): Promise<string[]> {
  const plan = rootfsPlan(stage.rootfs, { setUp: [mountProc, mount(destination, 'tmpfs', { source: 'ours' })] }, []);
  const { failure, stdout } = await runPlan(plan, options);
  if (failure !== null) return failure.op === 'mount' ? [] : [`failed otherwise: ${JSON.stringify(failure)}`];
  const { mounts } = JSON.parse(stdout) as { mounts: { source: string }[] };
  return mounts.some(({ source }) => source === 'ours') ? [] : ['the mount went elsewhere'];
}

for (const [kind, up] of [
  ['an absolute', ''],
  ['a relative', '../../../../../..'],
] as const) {
  advisory(`${kind} symlink on the way to a destination stays in the root`, 'IN_ROOT', async (stage, binary) => {
    await symlink(`${up}${stage.canary}`, join(stage.rootfs, 'data'));
    return mountGoneAstray(stage, '/data/directory', { binary });
  });
}

for (const component of ['data', 'data/directory']) {
  advisory(
    `a destination whose component ${component} is exchanged after it was resolved is not mounted elsewhere`,
    'DESCRIPTORS',
    async (stage, binary) => {
      await mkdir(join(stage.rootfs, 'data/directory'), { recursive: true });
      return mountGoneAstray(stage, '/data/directory', {
        binary,
        env: { KRUN_TEST_STOP: 'destination-open' },
        started: whenStopped(async (_pid, stop) => {
          if (stop !== 1) return; // 0 is /proc
          await rename(join(stage.rootfs, component), join(stage.rootfs, 'aside'));
          await symlink(join(stage.canary, component.slice('data'.length)), join(stage.rootfs, component));
        }),
      });
    },
  );
}

advisory('a mount whose destination is exchanged right after it is noticed', 'DESCRIPTORS', async (stage, binary) => {
  await mkdir(join(stage.rootfs, 'data/directory'), { recursive: true });
  const plan = rootfsPlan(stage.rootfs, { setUp: [mount('/data/directory', 'tmpfs')] }, []);
  const { failure } = await runPlan(plan, {
    binary,
    env: { KRUN_TEST_STOP: 'attached' },
    started: whenStopped(async () => {
      await rename(join(stage.rootfs, 'data'), join(stage.rootfs, 'aside'));
      await symlink('aside/..', join(stage.rootfs, 'data'));
      await mkdir(join(stage.rootfs, 'directory'));
    }),
  });
  return failure?.detail === 'destination=changed' ? [] : [`not noticed: ${JSON.stringify(failure)}`];
});

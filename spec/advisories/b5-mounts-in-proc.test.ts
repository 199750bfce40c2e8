// runc's list of what may be mounted below /proc: the plan refuses such destinations by name, the helper those that a link makes so.
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { advisory } from '../support/advisory.ts';
import { mount, mountProc, moveMount, openTree, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

for (const target of ['/proc', '/proc/sys', 'proc/1/../sys', '/proc/self/attr']) {
  advisory(`a directory is not mounted on a link to ${target}`, 'PROCFS_DESTINATION', async (stage, binary) => {
    await symlink(target, join(stage.rootfs, 'innocent'));
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [mountProc, mount('/innocent', 'tmpfs')] }, []), { binary });
    return failure?.op === 'mount' && failure.errno === 40 ? [] : [`not refused: ${JSON.stringify(failure)}`];
  });
}

advisory('a file is not bound on a link into procfs', 'PROCFS_DESTINATION', async (stage, binary) => {
  await mkdir(join(stage.rootfs, 'a'));
  await symlink('/proc/sys/kernel', join(stage.rootfs, 'a/b'));
  const setUp = [mountProc, openTree(join(stage.canary, 'file')), moveMount('/a/b/core_pattern')];
  const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp }, []), { binary });
  return failure?.op === 'moveMount' && failure.errno === 40 ? [] : [`not refused: ${JSON.stringify(failure)}`];
});

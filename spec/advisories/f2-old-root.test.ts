// `--no-pivot`: after a mere chroot the host's procfs and mounts remain reachable.
import { advisory } from '../support/advisory.ts';
import { mountProc, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

advisory("the mountinfo of init holds only the container's mounts", 'OLD_ROOT_DETACHED', async (stage, binary) => {
  const { failure, stdout } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [mountProc] }, []), { binary });
  if (failure !== null) return [JSON.stringify(failure)];
  const { mounts } = JSON.parse(stdout) as { mounts: { destination: string }[] };
  return mounts
    .map(({ destination }) => destination)
    .filter((destination) => !['/', '/proc'].includes(destination))
    .concat(mounts.length > 2 ? ['more'] : []);
});

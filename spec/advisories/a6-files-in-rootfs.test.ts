// CVE-2025-24965, CVE-2015-3627: the runtime opened a file of its own through a symlink in the rootfs.
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { advisory } from '../support/advisory.ts';
import { mount, rootfsPlan, snapshot } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

advisory(
  'names that the helper uses for itself may be links in the rootfs: it stores nothing there',
  'NOTHING_IN_ROOTFS',
  async (stage, binary) => {
    for (const name of ['upper', 'work', '.krun', 'run/krun']) await symlink(join(stage.canary, 'directory'), join(stage.rootfs, name));
    const before = await snapshot(stage.rootfs);
    const root = {
      op: 'openOverlayRoot',
      pointer: '',
      lowers: [stage.rootfs],
      upper: '',
      work: '',
      options: [],
      size: 0n,
      root: 'root',
    } as const;
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { root: [root], setUp: [mount('/mnt', 'tmpfs', { copyUp: true })] }, []), {
      binary,
    });
    const after = await snapshot(stage.rootfs);
    const changed = after.filter((line) => !before.includes(line));
    return failure === null ? changed : [...changed, `failed: ${JSON.stringify(failure)}`];
  },
);

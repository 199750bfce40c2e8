// CVE-2026-41579, CVE-2026-47766: an image whose /dev is a symlink makes the device set-up reach the host.
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Op } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import { createDevice, createSymlink, mount, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

const targets: Readonly<Record<string, (canary: string) => string>> = {
  absolute: (canary) => canary,
  relative: (canary) => `../../../../../..${canary}`,
  dangling: (canary) => join(canary, 'missing'),
  'in-root': () => 'etc',
};
const setUps: Readonly<Record<string, Op>> = {
  'a device node': createDevice('/dev/null'),
  'a link': createSymlink('/dev/ptmx', 'pts/ptmx'),
  'the tmpfs': mount('/dev', 'tmpfs', { exact: true }),
};

for (const [kind, target] of Object.entries(targets)) {
  for (const [what, op] of Object.entries(setUps)) {
    advisory(`${what} of a /dev that is an ${kind} symlink is refused`, 'EXACT', async (stage, binary) => {
      await rm(join(stage.rootfs, 'dev'), { recursive: true });
      await symlink(target(stage.canary), join(stage.rootfs, 'dev'));
      const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [op] }, []), { binary });
      return failure?.op === op.op && failure.errno === 40 ? [] : [`not refused: ${JSON.stringify(failure)}`];
    });
  }
}

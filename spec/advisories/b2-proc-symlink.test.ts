// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-54867: an image whose /proc or /sys is a symlink redirects the mount.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory } from '../support/advisory.ts';
import { failInRootfs, makeStage, mount, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

for (const [destination, type] of [
  ['/proc', 'proc'],
  ['/sys', 'sysfs'],
] as const) {
  for (const target of ['/', '/bad', '../x', 'missing']) {
    advisory(`${destination} as a link to ${target} is refused`, 'EXACT', async (stage, binary) => {
      await rm(join(stage.rootfs, destination), { recursive: true });
      await mkdir(join(stage.rootfs, 'bad'));
      await symlink(target, join(stage.rootfs, destination));
      const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [mount(destination, type, { exact: true })] }, []), { binary });
      return failure?.op === 'mount' && failure.errno === 40 ? [] : [`not refused: ${JSON.stringify(failure)}`];
    });
  }
  test(`${destination} that is a file is refused`, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    await rm(join(stage.rootfs, destination), { recursive: true });
    await writeFile(join(stage.rootfs, destination), '');
    const { failure } = await failInRootfs(stage.rootfs, { setUp: [mount(destination, type, { exact: true })] });
    t.like(failure, { op: 'mount', errno: 20, detail: 'source=directory destination=file' });
  });
}

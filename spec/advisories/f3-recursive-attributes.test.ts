// youki #3345, #3536: `rbind,ro` was shallow, and a remount lost nosuid and nodev.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { advisory } from '../support/advisory.ts';
import { mount, mountProc, moveMount, NODEV, NOEXEC, NOSUID, openTree, RDONLY, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

const nested = { '': 0n, '/suid': NOSUID, '/suid/dev': NODEV | NOSUID, '/exec': NOEXEC };
const expected = {
  '/bound': ['ro', 'relatime'],
  '/bound/suid': ['ro', 'nosuid', 'relatime'],
  '/bound/suid/dev': ['ro', 'nosuid', 'nodev', 'relatime'],
  '/bound/exec': ['ro', 'noexec', 'relatime'],
};

advisory(
  'a recursive read-only bind mount is so everywhere, and each mount keeps its other options',
  'RECURSIVE_ATTRIBUTES',
  async (stage, binary) => {
    const source = join(stage.rootfs, 'mnt');
    await mkdir(source, { recursive: true });
    const mounts = Object.entries(nested).map(([path, attributes]) => mount(`/mnt${path}`, 'tmpfs', { attributes }));
    const setUp = [mountProc, ...mounts, openTree(source, { recursiveSet: RDONLY }), moveMount('/bound')];
    const { failure, stdout } = await runPlan(rootfsPlan(stage.rootfs, { setUp }, []), { binary });
    if (failure !== null) return [JSON.stringify(failure)];
    const report = JSON.parse(stdout) as { mounts: { destination: string; options: string[] }[] };
    const seen = new Map(report.mounts.map(({ destination, options }) => [destination, options.join(',')]));
    return Object.entries(expected)
      .filter(([path, options]) => seen.get(path) !== options.join(','))
      .map(([path]) => `${path} ${seen.get(path)}`);
  },
);

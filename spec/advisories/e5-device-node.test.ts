// A device node that is made elsewhere, or exchanged before mode and owner are set.
import { execFileSync } from 'node:child_process';
import { rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory, whenStopped } from '../support/advisory.ts';
import { createDevice, failInRootfs, makeStage, rootfsPlan, S_IFIFO, snapshot } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

const wrong: Readonly<Record<string, (path: string) => unknown>> = {
  'another device': (path) => execFileSync('mknod', [path, 'c', '1', '5']),
  'a block device of the same number': (path) => execFileSync('mknod', [path, 'b', '1', '3']),
  'a regular file': (path) => writeFile(path, ''),
  'a fifo': (path) => execFileSync('mkfifo', [path]),
};

for (const [kind, make] of Object.entries(wrong)) {
  advisory(`an existing node that is ${kind} is refused, and left as it is`, 'DEVICE_CHECKED', async (stage, binary) => {
    await make(join(stage.rootfs, 'dev/null'));
    const before = await snapshot(join(stage.rootfs, 'dev'));
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [createDevice('/dev/null', { uid: 5 })] }, []), { binary });
    const after = await snapshot(join(stage.rootfs, 'dev'));
    const refused = failure?.op === 'createDevice' && failure.errno === 17;
    return refused && String(after) === String(before) ? [] : [`not refused: ${JSON.stringify(failure)} ${after}`];
  });
}

advisory('a node that is exchanged with a link to a device of the host leaves that alone', 'DEVICE_NOFOLLOW', async (stage, binary) => {
  const device = join(stage.rootfs, '../device');
  execFileSync('mknod', ['-m', '600', device, 'c', '1', '3']);
  const before = execFileSync('stat', ['-c', '%a %u', device], { encoding: 'utf8' });
  const { failure } = await runPlan(rootfsPlan(stage.rootfs, { setUp: [createDevice('/dev/null', { uid: 5, mode: 0o666 })] }, []), {
    binary,
    env: { KRUN_TEST_STOP: 'device-made' },
    started: whenStopped(async () => {
      await rename(join(stage.rootfs, 'dev/null'), join(stage.rootfs, 'dev/aside'));
      await symlink(device, join(stage.rootfs, 'dev/null'));
    }),
  });
  const after = execFileSync('stat', ['-c', '%a %u', device], { encoding: 'utf8' });
  return after === before && failure?.errno === 17 ? [] : [`${before} became ${after}: ${JSON.stringify(failure)}`];
});

test('a path that ends in no name, or whose parent is a link, is refused', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await symlink('dev', join(stage.rootfs, 'link'));
  const errnoOf = async (path: string): Promise<number | undefined> =>
    (await failInRootfs(stage.rootfs, { setUp: [createDevice(path, { type: S_IFIFO })] })).failure?.errno;
  t.deepEqual(await Promise.all(['/', '/dev/.', '/dev/..', '/link/null'].map(errnoOf)), [22, 22, 22, 40]);
});

test('`..` does not lead out of the root', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [createDevice(`/dev/../../../../..${stage.canary}/null`)] });
  t.is(failure, null);
  await stage.assertHostUnchanged();
});

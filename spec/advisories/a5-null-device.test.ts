// CVE-2025-31133, CVE-2025-62161, CVE-2026-88265: a /dev/null that the container has made is bound over what should be masked.
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { advisory, whenStopped } from '../support/advisory.ts';
import { actInRootfs, makeStage, maskPath, openNull, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

const fakes: Readonly<Record<string, (path: string) => void>> = {
  'a regular file': (path) => execFileSync('touch', [path]),
  'another device': (path) => execFileSync('mknod', [path, 'c', '1', '5']),
  'a block device of the same number': (path) => execFileSync('mknod', [path, 'b', '1', '3']),
};

for (const [kind, make] of Object.entries(fakes)) {
  advisory(`a host's /dev/null that is ${kind} masks nothing`, 'NULL_CHECKED', async (stage, binary) => {
    const fake = join(stage.rootfs, '../fake');
    make(fake);
    const wrapper = ['unshare', '-m', 'sh', '-c', `mount --bind ${fake} /dev/null && exec "$@"`, 'sh'];
    const { failure } = await runPlan(rootfsPlan(stage.rootfs, { host: [openNull], setUp: [maskPath('/etc/hosts')] }, []), {
      binary,
      wrapper,
    });
    return failure?.op === 'openNull' && failure.errno === 19 ? [] : [`not refused: ${JSON.stringify(failure)}`];
  });
}

test("the container's own /dev/null has no part in masking", async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await rm(join(stage.rootfs, 'dev/null'), { force: true });
  await symlink(join(stage.canary, 'file'), join(stage.rootfs, 'dev/null'));
  const plan = { host: [openNull], setUp: [maskPath('/etc/hosts')] };
  const [read, node] = await actInRootfs(t, stage.rootfs, plan, [
    ['read', '/etc/hosts'],
    ['stat', '/etc/hosts'],
  ]);
  t.is(read?.content, '');
  t.like(node, { major: 1, minor: 3 });
  await stage.assertHostUnchanged();
});

test('a masked path that is exchanged while it is being masked is a failure, not a path without a mask', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await mkdir(join(stage.rootfs, 'secret'));
  await writeFile(join(stage.rootfs, 'secret/file'), 'secret');
  const { failure } = await runPlan(rootfsPlan(stage.rootfs, { host: [openNull], setUp: [maskPath('/secret/file')] }, []), {
    env: { KRUN_TEST_STOP: 'path-open' },
    started: whenStopped(async () => {
      await rename(join(stage.rootfs, 'secret/file'), join(stage.rootfs, 'secret/aside'));
      await writeFile(join(stage.rootfs, 'secret/file'), 'secret');
    }),
  });
  t.like(failure, { op: 'maskPath', detail: 'destination=changed' });
});

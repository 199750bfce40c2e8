// An idmapped mount that silently becomes an unmapped one gives the container the files of the host's users.
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import { actInRootfs, failInRootfs, makeStage, moveMount, openRoot, openTree, rootfsPlan } from '../support/rootfs-plan.ts';
import { runPlan } from '../support/run-plan.ts';

const mapping = (map: string): Op => ({ op: 'createUserNamespace', pointer: '', uidMap: map, gidMap: map, namespace: 'ids' });
const host = (source: string): Op[] => [mapping('0 100000 65536\n'), openTree(source, { userNamespace: 'ids', recursiveIdmap: true })];

advisory('an idmapped mount of a file system that cannot map is refused', 'IDMAP_FATAL', async (stage, binary) => {
  const { failure } = await runPlan(rootfsPlan(stage.rootfs, { host: host('/sys/kernel'), setUp: [moveMount('/mnt')] }, []), { binary });
  const refused = failure?.op === 'openTree' && failure.errno === 22 && failure.detail.startsWith('idmap=1 filesystem=0x62656572');
  return refused ? [] : [`not refused: ${JSON.stringify(failure)}`];
});

test('owners appear as mapped, and what is made lands on the disk as mapped back', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await chown(join(stage.canary, 'ptmx'), 7, 8);
  const setUp = [moveMount('/mnt')];
  const afterPivot: Op[] = [{ op: 'setUser', pointer: '', uid: 100_007, gid: 100_008, groups: [], setGroups: true }];
  const [root, other, created] = await actInRootfs(t, stage.rootfs, { host: host(stage.canary), setUp, afterPivot }, [
    ['stat', '/mnt/file'],
    ['stat', '/mnt/ptmx'],
    ['write', '/mnt/ptmx'],
  ]);
  t.like(root, { uid: 100_000, gid: 100_000 });
  t.like(other, { uid: 100_007, gid: 100_008 });
  t.is(created?.errno, 0);
});

test('the root can be idmapped as a whole', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const plan = { host: [mapping('0 100000 65536\n')], root: [openRoot(stage.rootfs, { userNamespace: 'ids' })] };
  const [passwd] = await actInRootfs(t, stage.rootfs, plan, [['stat', '/etc/passwd']]);
  t.like(passwd, { uid: 100_000, gid: 100_000 });
});

test('maps that the kernel refuses are told', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { host: [mapping('0 0 10\n5 100 10\n')] });
  t.like(failure, { op: 'createUserNamespace', syscall: 'write', errno: 22 });
});

import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { actInRootfs, failInRootfs, makeStage, mountProc, reportFromRootfs, type Stage, snapshot } from '../support/rootfs-plan.ts';

const overlay = (
  lowers: readonly string[],
  fields: { upper?: string; work?: string; options?: readonly string[]; size?: bigint } = {},
): Op => ({
  op: 'openOverlayRoot',
  pointer: '/root/path',
  lowers,
  upper: '',
  work: '',
  options: [],
  size: 0n,
  root: 'root',
  ...fields,
});

async function makeLayers(stage: Stage, count: number): Promise<string[]> {
  const layers = Array.from({ length: count }, (_, index) => join(stage.rootfs, `../layer:${index}, with\\ odd ${'x'.repeat(60)} name`));
  for (const [index, layer] of layers.entries()) {
    await mkdir(join(layer, 'etc'), { recursive: true });
    await writeFile(join(layer, 'etc', `layer-${index}`), String(index));
    await writeFile(join(layer, 'etc/top'), String(index));
  }
  return layers;
}

test('an ephemeral root takes all writes and leaves the rootfs as it was', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  await chmod(stage.rootfs, 0o751);
  await chown(stage.rootfs, 11, 12);
  const before = await snapshot(stage.rootfs);
  const outcomes = await actInRootfs(t, stage.rootfs, { root: [overlay([stage.rootfs], { size: 1n << 20n })] }, [
    ['create', '/new'],
    ['write', '/etc/hosts', 'changed'],
    ['unlink', '/etc/passwd'],
    ['stat', '/etc/passwd'],
    ['read', '/etc/group'],
    ['stat', '/'],
  ]);
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [0, 0, 0, 2, 0, 0],
  );
  t.like(outcomes[5], { mode: 0o040751, uid: 11, gid: 12 });
  t.deepEqual(await snapshot(stage.rootfs), before);
});

test('only the overlay is left of it after pivotRoot', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { mounts } = await reportFromRootfs(t, stage.rootfs, { root: [overlay([stage.rootfs])], setUp: [mountProc] });
  t.deepEqual(
    mounts?.map(({ destination, type }) => `${destination} ${type}`),
    ['/ overlay', '/proc proc'],
  );
  await stage.assertHostUnchanged();
});

test('with upper and work directories the writes stay there', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const [upper, work] = [join(stage.rootfs, '../upper'), join(stage.rootfs, '../work')];
  await mkdir(upper);
  await mkdir(work);
  const root = [overlay([stage.rootfs], { upper, work })];
  const [created] = await actInRootfs(t, stage.rootfs, { root }, [['create', '/new']]);
  t.is(created?.errno, 0);
  t.deepEqual(await readdir(upper), ['new']);
  const [kept] = await actInRootfs(t, stage.rootfs, { root }, [['stat', '/new']]);
  t.is(kept?.errno, 0);
});

for (const count of [2, 60]) {
  test(`${count} layers with long and odd names are stacked, the first on top`, async (t) => {
    const stage = await makeStage(t);
    if (stage === null) return;
    const layers = await makeLayers(stage, count);
    const [top, last] = await actInRootfs(t, stage.rootfs, { root: [overlay([...layers, stage.rootfs])] }, [
      ['read', '/etc/top'],
      ['read', `/etc/layer-${count - 1}`],
    ]);
    t.is(top?.content, '0');
    t.is(last?.content, String(count - 1));
    t.is(await readFile(join(layers[0] ?? '', 'etc/top'), 'utf8'), '0');
  });
}

test('a missing layer is named', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { root: [overlay([stage.rootfs, '/nonexistent/layer'])] });
  t.like(failure, { op: 'openOverlayRoot', syscall: 'open', errno: 2, path: '/nonexistent/layer' });
});

test("what overlayfs refuses comes with the kernel's own words", async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const { failure } = await failInRootfs(stage.rootfs, { root: [overlay([stage.rootfs], { options: ['nosuchoption'] })] });
  t.like(failure, { op: 'openOverlayRoot', syscall: 'fsconfig', errno: 22, path: stage.rootfs });
  t.regex(failure?.detail ?? '', /^type=overlay option=nosuchoption kernel=/);
});

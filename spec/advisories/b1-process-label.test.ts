// CVE-2019-16884, CVE-2015-1334: an LSM label is written into a /proc that the container's image or mounts fake, and never holds.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { advisory } from '../support/advisory.ts';
import { failInRootfs, makeStage, moveMount, openTree, type RootfsPlan } from '../support/rootfs-plan.ts';

const fakes = ['self/attr/apparmor/exec', 'self/attr/exec'];
const openProc: Op = { op: 'openProc', pointer: '', proc: 'proc' };

for (const [title, isBind] of [
  ['a directory of the image', false],
  ['a bind mount', true],
] as const) {
  advisory(`a label is not written into a fake /proc that is ${title}`, 'LABEL_PROC', async (stage, binary) => {
    const directory = join(stage.rootfs, isBind ? '../fake' : 'proc');
    await makeFake(directory);
    const bind = isBind ? [openTree(directory), moveMount('/proc')] : [];
    await failInRootfs(stage.rootfs, { setUp: [openProc, ...bind], afterPivot: [writeLabel('proc')] }, { binary });
    return written(directory);
  });
}

test('a slot that holds no procfs is refused before anything is written', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const directory = join(stage.rootfs, 'proc');
  await makeFake(directory);
  const plan: RootfsPlan = { setUp: [openTree(directory, { tree: 'proc' })], afterPivot: [writeLabel('proc')] };
  const { failure } = await failInRootfs(stage.rootfs, plan);
  t.like(failure, { op: 'writeProcessLabel', errno: 18, path: 'attr/apparmor/exec', detail: 'proc=0' });
  t.deepEqual(await written(directory), []);
});

test('a label that nothing takes is an error, also of a process that cannot be dumped', async (t) => {
  const stage = await makeStage(t);
  if (stage === null) return;
  const undumpable: Op = { op: 'setDumpable', pointer: '', dumpable: false };
  const { failure } = await failInRootfs(stage.rootfs, { setUp: [openProc, undumpable], afterPivot: [writeLabel('proc')] });
  t.is(failure?.op, 'writeProcessLabel');
  t.regex(failure?.path ?? '', /^attr\/(apparmor\/)?exec$/);
  t.is(failure?.syscall, 'write');
});

function writeLabel(proc: string): Op {
  const [files, value, label] = [['attr/apparmor/exec', 'attr/exec'], 'exec krun-test-no-such-profile', 'krun-test-no-such-profile'];
  return { op: 'writeProcessLabel', pointer: '/process/apparmorProfile', proc, files, value, label };
}

async function makeFake(directory: string): Promise<void> {
  await mkdir(join(directory, 'self/attr/apparmor'), { recursive: true });
  for (const fake of fakes) await writeFile(join(directory, fake), '');
}

async function written(directory: string): Promise<string[]> {
  const texts = await Promise.all(fakes.map((fake) => readFile(join(directory, fake), 'utf8')));
  return texts.filter((text) => text !== '');
}

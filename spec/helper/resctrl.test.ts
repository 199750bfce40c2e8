// The ops on a tree of plain files that stands for resctrl.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { runPlan } from '../support/run-plan.ts';

const [pointer, group] = ['', 'group'];

test('a schema is written as it stands, and a failure leaves no group that was made', async (t) => {
  const tree = await makeTree(t);
  const path = join(tree, 'gold');
  const plan: Op[] = [
    { op: 'openResctrlGroup', pointer, path, group },
    { op: 'writeSchemata', pointer, group, value: 'L3:0=f\nMB:0=20\n' },
  ];
  t.is((await runPlan(plan)).failure, null);
  t.is(await readFile(join(path, 'schemata'), 'utf8'), 'L3:0=f\nMB:0=20\n');
  const { failure } = await runPlan([...made(join(tree, 'new')), { op: 'writeSchemata', pointer, group, value: 'L3:0=f\n' }]);
  t.like(failure, { op: 'writeSchemata', errno: 2, path: 'schemata' });
  t.false(existsSync(join(tree, 'new')));
});

test('a group that is there already is an error, and stays', async (t) => {
  const path = join(await makeTree(t), 'gold');
  const { failure } = await runPlan(made(path));
  t.like(failure, { op: 'createResctrlGroup', errno: 17, path });
  t.true(existsSync(path));
});

test('a group that is gone is removed without an error', async (t) => {
  const path = join(await makeTree(t), 'gone');
  t.is((await runPlan([{ op: 'removeResctrlGroup', pointer, path, group: null }])).failure, null);
});

test('init is put into a group by its pid', async (t) => {
  const path = join(await makeTree(t), 'gold');
  const program: Op[] = [
    { op: 'waitForParent', pointer, stage: 1 },
    { op: 'findProgram', pointer, name: '/bin/true', searchPath: '' },
    { op: 'execute', pointer, arguments: ['true'], environment: [] },
  ];
  const plan: Op[] = [
    { op: 'openResctrlGroup', pointer, path, group },
    { op: 'clone', pointer, flags: 0n, cgroup: null, program },
    { op: 'joinResctrlGroup', pointer, group },
    { op: 'notifyChild', pointer, stage: 1 },
    { op: 'waitForExecute', pointer },
    { op: 'wait', pointer },
  ];
  t.like(await runPlan(plan), { failure: null, status: 0 });
  t.regex(await readFile(join(path, 'tasks'), 'utf8'), /^[1-9]\d*$/);
});

function made(path: string): Op[] {
  return [
    { op: 'onExit', pointer, program: [{ op: 'removeResctrlGroup', pointer, path, group }] },
    { op: 'createResctrlGroup', pointer, path, group },
  ];
}

async function makeTree(t: ExecutionContext): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'krun-test-resctrl-'));
  t.teardown(() => rm(tree, { recursive: true }));
  await mkdir(join(tree, 'gold'));
  for (const file of ['schemata', 'tasks']) await writeFile(join(tree, 'gold', file), '');
  return tree;
}

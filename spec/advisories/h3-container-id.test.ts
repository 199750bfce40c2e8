// crun 1.20 and 1.28: a container id that is a path.
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { requireContainerId } from '../../runtime/container/container-id.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

const directory = 'state';
const bad = ['..', '.', 'a/b', '../outside', '', 'x'.repeat(300), 'a b', 'a\n'];

for (const id of bad) {
  test(`${JSON.stringify(id).slice(0, 20)} is E_BAD_ID`, (t) => {
    t.throws(() => requireContainerId(id), { code: 'E_BAD_ID' });
  });
}

hostAdvisory('an id that is a path makes and removes nothing outside of the root', 'STATE_NAMES', async (binary, t) => {
  const { root, outside } = makeDirectories(t);
  for (const id of ['../outside/new', '../outside/c1', '../outside', 'a/b']) {
    const plan: Op[] = [{ op: 'createStateDirectory', pointer: '', path: root, id, directory }];
    await runPlan(plan, { binary });
    await runPlan([{ op: 'removeStateDirectory', pointer: '', path: root, id, directory: null }], { binary });
    await runPlan([{ op: 'openStateDirectory', pointer: '', path: root, id, lock: true, directory }, ...plant], { binary });
  }
  return describe(outside);
});

hostAdvisory('a state directory that is a symbolic link is not followed', 'STATE_NAMES', async (binary, t) => {
  const { root, outside } = makeDirectories(t);
  symlinkSync('../outside/c1', join(root, 'c1'));
  const open: Op = { op: 'openStateDirectory', pointer: '', path: root, id: 'c1', lock: false, directory };
  await runPlan([open, ...plant], { binary });
  await runPlan([open, { op: 'removeStateDirectory', pointer: '', path: root, id: 'c1', directory }], { binary });
  await runPlan([{ op: 'removeStateDirectory', pointer: '', path: root, id: 'c1', directory: null }], { binary });
  return [...describe(outside), ...(lstatSync(join(root, 'c1')).isSymbolicLink() ? [] : ['the link is gone'])];
});

hostAdvisory('a file name that is a path is not written', 'STATE_NAMES', async (binary, t) => {
  const { root, outside } = makeDirectories(t);
  const name = 'x/../../../outside/c1/planted';
  const content = new Uint8Array([1]);
  mkdirSync(join(root, 'c1/.x'), { recursive: true, mode: 0o700 });
  mkdirSync(join(root, 'c1/x'), { mode: 0o700 });
  const open: Op = { op: 'openStateDirectory', pointer: '', path: root, id: 'c1', lock: true, directory };
  await runPlan([open, { op: 'writeStateFile', pointer: '', directory, name, content }], { binary });
  return describe(outside);
});

const plant: readonly Op[] = [{ op: 'writeStateFile', pointer: '', directory, name: 'planted', content: new Uint8Array([1]) }];

function makeDirectories(t: ExecutionContext): { readonly root: string; readonly outside: string } {
  const base = mkdtempSync(join(tmpdir(), 'krun-test-state-'));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  mkdirSync(join(base, 'outside/c1'), { recursive: true, mode: 0o700 });
  writeFileSync(join(base, 'outside/c1/state.json'), '{}');
  mkdirSync(join(base, 'root'), { mode: 0o700 });
  return { root: join(base, 'root'), outside: join(base, 'outside') };
}

// Harm: anything but c1/state.json.
function describe(outside: string): string[] {
  if (!existsSync(outside)) return ['all is gone'];
  const names = readdirSync(outside, { recursive: true }).map(String);
  return [
    ...names.filter((name) => !['c1', 'c1/state.json'].includes(name)),
    ...(existsSync(join(outside, 'c1/state.json')) ? [] : ['state.json is gone']),
  ];
}

// CVE-2021-41103, 2024-25621: state directories that others can enter.
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

const create = (path: string): Op => ({ op: 'createStateDirectory', pointer: '', path, id: 'c1', directory: 'state' });
const open = (path: string): Op => ({ op: 'openStateDirectory', pointer: '', path, id: 'c1', lock: false, directory: 'state' });
const write: Op = { op: 'writeStateFile', pointer: '', directory: 'state', name: 'state.json', content: new Uint8Array([0x7b, 0x7d]) };

for (const mask of ['0', '0777', '0022']) {
  hostAdvisory(`with umask ${mask} nobody else can look into the state`, 'STATE_PRIVATE', async (binary, t) => {
    const root = join(makeDirectory(t), 'a/krun');
    const wrapper = ['/bin/busybox', 'sh', '-c', `umask ${mask}; exec "$0" "$@"`];
    const { failure } = await runPlan([create(root), write], { binary, wrapper });
    t.is(failure, null);
    const modes = ['..', '.', 'c1', 'c1/state.json'].map((name) => lstatSync(join(root, name)).mode & 0o7777);
    return modes.filter((mode) => mode !== 0o700 && mode !== 0o600).map((mode) => mode.toString(8));
  });
}

hostAdvisory("a state directory of another's making is not used", 'STATE_PRIVATE', async (binary, t) => {
  const root = makeDirectory(t);
  mkdirSync(join(root, 'c1'));
  const used: string[] = [];
  for (const [owner, mode] of [
    [65534, 0o700],
    [0, 0o755],
  ] as const) {
    chownSync(join(root, 'c1'), owner, owner);
    chmodSync(join(root, 'c1'), mode);
    const { failure } = await runPlan([open(root)], { binary });
    if (failure?.errno !== 1) used.push(`${owner} ${mode.toString(8)}`);
  }
  return used;
});

hostAdvisory('a root in which others can exchange names is refused', 'STATE_PRIVATE', async (binary, t) => {
  const root = makeDirectory(t);
  const used: string[] = [];
  for (const [owner, mode] of [
    [65534, 0o700],
    [0, 0o777],
    [0, 0o770],
  ] as const) {
    chownSync(root, owner, owner);
    chmodSync(root, mode);
    const { failure } = await runPlan([create(root)], { binary });
    if (failure?.errno !== 1) used.push(`${owner} ${mode.toString(8)}`);
    rmSync(join(root, 'c1'), { recursive: true, force: true });
  }
  return used;
});

function makeDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'krun-test-state-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

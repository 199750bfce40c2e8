import { containerCgroupPath } from '../cgroup/path.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readHostFacts } from '../host/facts.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { print } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { CollectOptions } from './options.ts';
import { planRemoval, planRemovalOfDamaged, planRemovalOfState } from './removal.ts';
import { readSavedConfig } from './saved-config.ts';
import { type FoundContainer, isLocked, listIds, readContainer, type StoredState, seeFiles } from './stored-state.ts';

/** Removes what crashes and reboots left behind, and says what. Running containers and those that a helper attends to stay. */
export async function collectGarbage(caller: Caller, { root, id }: CollectOptions): Promise<Plan> {
  const candidates = listIds(root).filter((candidate) => id === null || candidate === id);
  return (await Promise.all(candidates.map((candidate) => planCollection(caller, root, candidate)))).flat();
}

async function planCollection(caller: Caller, root: string, id: string): Promise<Plan> {
  if (isLocked(`${root}/${id}`)) return [];
  const seen = seeFiles(root, id);
  try {
    const container = readContainer(root, id);
    return isLeftOver(container) ? await planRemoval(caller, root, container, [print(1, `removed ${id}\n`)]) : [];
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    if (error.code === 'E_NO_CONTAINER') return planRemovalOfState(root, id, seen, [print(1, `removed ${id}: it was never made whole\n`)]);
    return planRemovalOfDamaged({ root, id, ...(await likelyPlace(caller, root, id)) }, seen, [
      print(1, `removed ${id}: its state was damaged\n`),
    ]);
  }
}

// Where `create` would make it for this caller. That it is this container's is to be seen at itself.
async function likelyPlace(caller: Caller, root: string, id: string): Promise<{ cgroup: StoredState['cgroup']; stop?: Plan }> {
  const facts = readHostFacts(caller);
  const { cgroup2 } = facts;
  if (cgroup2 === null) return { cgroup: null };
  const cgroupsPath = savedCgroupsPath(root, id);
  if (cgroupsPath?.includes(':')) return (await import('../plan/scope.ts')).likelyScope(cgroupsPath, id, facts);
  const isWritable = (at: string) => caller.uid === 0 || cgroup2.look(at).isWritable;
  return { cgroup: { mountpoint: cgroup2.mountpoint, path: containerCgroupPath({ cgroupsPath, id, own: cgroup2.own, isWritable }) } };
}

function savedCgroupsPath(root: string, id: string): string | undefined {
  try {
    return readSavedConfig(root, id).linux?.cgroupsPath;
  } catch {
    return undefined;
  }
}

// What is being made ends with the helper that makes it; until then it is about to.
function isLeftOver({ status, attended }: FoundContainer): boolean {
  return status === 'stopped' || (status === 'creating' && !attended);
}

import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { CollectOptions } from './options.ts';
import { planRemoval, planRemovalOfState } from './removal.ts';
import { type FoundContainer, isLocked, listIds, readContainer, seeFiles } from './stored-state.ts';

/** Removes what crashes and reboots left behind, and says what. Running containers and those that a helper attends to stay. */
export function collectGarbage(_caller: Caller, { root, id }: CollectOptions): Plan {
  return listIds(root)
    .filter((candidate) => id === null || candidate === id)
    .flatMap((candidate) => planCollection(root, candidate));
}

function planCollection(root: string, id: string): Plan {
  if (isLocked(`${root}/${id}`)) return [];
  const seen = seeFiles(root, id);
  try {
    const container = readContainer(root, id);
    return isLeftOver(container) ? planRemoval(root, container, [say(`removed ${id}\n`)]) : [];
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    const why = error.code === 'E_NO_CONTAINER' ? 'it was never made whole' : 'its state was damaged; a cgroup of it may be left';
    return planRemovalOfState(root, id, seen, [say(`removed ${id}: ${why}\n`)]);
  }
}

// What is being made ends with the helper that makes it; until then it is about to.
function isLeftOver({ status, attended }: FoundContainer): boolean {
  return status === 'stopped' || (status === 'creating' && !attended);
}

function say(text: string): Op {
  return { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode(text) };
}

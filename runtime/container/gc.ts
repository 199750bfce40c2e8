import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { CollectOptions } from './options.ts';
import { planRemoval, removeState } from './removal.ts';
import { isLocked, listIds, readContainer } from './stored-state.ts';

/** Removes what crashes and reboots left behind, and says what. Running containers and those that a helper attends to stay. */
export function collectGarbage(_caller: Caller, { root, id }: CollectOptions): Plan {
  return listIds(root)
    .filter((candidate) => id === null || candidate === id)
    .flatMap((candidate) => planCollection(root, candidate));
}

function planCollection(root: string, id: string): Plan {
  if (isLocked(`${root}/${id}`)) return [];
  try {
    const container = readContainer(root, id);
    return container.status === 'stopped' ? [...planRemoval(root, container), say(`removed ${id}\n`)] : [];
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    if (error.code === 'E_NO_CONTAINER') return [...removeState(root, id), say(`removed ${id}: it was never made whole\n`)];
    return [...removeState(root, id), say(`removed ${id}: its state was damaged; a cgroup of it may be left\n`)];
  }
}

function say(text: string): Op {
  return { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode(text) };
}

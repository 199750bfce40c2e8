// What must go when a container goes, from its stored state alone: `delete` and `gc` plan it so.
import type { Op, Plan } from '../plan/ops.ts';
import type { FoundContainer, StoredState } from './stored-state.ts';

/** How long a killed process may take to end, as runc's delete --force has it. */
const killTimeout = 10_000;

/** Ends what still runs, then removes cgroup and state directory; what is gone already is no error. */
export function planRemoval(root: string, { state, init }: FoundContainer): Plan {
  return [...(init === null ? [] : endInit(init)), ...removeCgroup(root, state), ...removeState(root, state.id)];
}

export function removeState(root: string, id: string): Plan {
  return [{ op: 'removeStateDirectory', pointer: '', path: root, id, directory: null }];
}

/** Kills it and waits for its end; one that has ended already is no error. */
export function endInit({ pid, startTime }: { pid: number; startTime: bigint }): Op[] {
  return [{ op: 'endProcess', pointer: '', pid, startTime, milliseconds: killTimeout }];
}

// The path alone could be another container's by now: only the cgroup that names this one as its owner is opened.
function removeCgroup(root: string, { id, cgroup }: StoredState): Op[] {
  if (cgroup === null) return [];
  return [
    { op: 'openCgroup', pointer: '', ...cgroup, owner: `${root}/${id}`, orGone: true, cgroup: 'cgroup' },
    { op: 'killCgroup', pointer: '', cgroup: 'cgroup' },
    { op: 'removeCgroup', pointer: '', ...cgroup, cgroup: 'cgroup' },
  ];
}

import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { StateOptions } from './options.ts';
import { type FoundContainer, lockFileName, readContainer, type StoredState } from './stored-state.ts';

/** Stops every process of a container where it stands, by its cgroup; returns when all of them stand still. */
export function pauseContainer(_caller: Caller, options: StateOptions): Plan {
  const container = readContainer(options.root, options.id);
  if (container.status !== 'running' && container.status !== 'created') throw notRunning(options.id, container);
  return freeze(options, container.state, true);
}

export function resumeContainer(_caller: Caller, options: StateOptions): Plan {
  const { state, status } = readContainer(options.root, options.id);
  if (status !== 'paused') throw new KrunError('E_NOT_PAUSED', `container not paused: ${options.id} is ${status}`);
  return freeze(options, state, false);
}

/** For verbs that work on a container's cgroup. Throws E_NO_CGROUP2 for a container that has none. */
export function openOwnCgroup({ root, id }: StateOptions, { cgroup }: StoredState): Op {
  if (cgroup === null)
    throw new KrunError('E_NO_CGROUP2', `container ${id} has no cgroup of its own`, {
      hint: 'it was started where no cgroup could be made, or with --cgroup-manager disabled',
    });
  return { op: 'openCgroup', pointer: '', ...cgroup, owner: `${root}/${id}`, orGone: false, cgroup: 'cgroup' };
}

/** Engines match on "container not running". */
export function notRunning(id: string, { status }: FoundContainer): KrunError {
  return new KrunError('E_NOT_RUNNING', `container not running: ${id} is ${status}`);
}

/** One `update`, `pause` or `resume` of a container after the other; the slot `state` holds its directory. */
export function lockUpdates({ root, id }: StateOptions): readonly Op[] {
  return [
    { op: 'openStateDirectory', pointer: '', path: root, id, lock: false, directory: 'state' },
    { op: 'lockStateFile', pointer: '', directory: 'state', name: lockFileName, lock: 'lock' },
  ];
}

function freeze(options: StateOptions, state: StoredState, frozen: boolean): Plan {
  return [...lockUpdates(options), openOwnCgroup(options, state), { op: 'freezeCgroup', pointer: '', cgroup: 'cgroup', frozen }];
}

// What must go when a container goes, from its stored state alone: `delete` and `gc` plan it so.
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { readHostFacts } from '../host/facts.ts';
import { type HookName, planPoststopHooks } from '../plan/hooks.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import { configFileName, readSavedConfig } from './saved-config.ts';
import type { FoundContainer, SeenFile, StoredState } from './stored-state.ts';

/** How long a killed process may take to end, as runc's delete --force has it. */
const killTimeout = 10_000;

/**
 * Ends what still runs, then removes cgroup and state directory. Between our look and the ops others may have removed the container, and
 * made another one by its id: what is not the same any more stays. A helper that attends to it ends with it, removes it all and lets go
 * of the lock; without one, no process is touched before the lock is ours.
 */
export async function planRemoval(caller: Caller, root: string, container: FoundContainer, then: Plan = []): Promise<Plan> {
  const { state, init, attended, seen } = container;
  const poststop = attended ? [] : planPoststopHooks(hooksOf(root, state.id, 'poststop'), state, null); // its helper runs them itself
  const end = init === null ? [] : endInit(init);
  const stop = state.systemd === undefined ? [] : (await import('../plan/scope.ts')).stopScope(state.systemd, readHostFacts(caller));
  return [
    ...(attended ? end : []),
    ...claimed({ root, id: state.id, seen, wait: true }, [
      ...(attended ? [] : end),
      ...removeCgroup(root, state, stop),
      ...removeResctrlGroups(state),
      removeState(root, state.id),
      ...poststop,
      ...then,
    ]),
  ];
}

/** What was made by half, and is still as it was found. */
export function planRemovalOfState(root: string, id: string, seen: readonly SeenFile[], then: Plan = []): Plan {
  return claimed({ root, id, seen, wait: false }, [removeState(root, id), ...then]);
}

/** What is damaged, and is still as it was found; with the cgroup where it must be, if it is this container's, and what runs in it. */
export function planRemovalOfDamaged(
  place: Pick<StoredState, 'id' | 'cgroup'> & { readonly root: string; readonly stop?: Plan },
  seen: readonly SeenFile[],
  then: Plan,
): Plan {
  const { root, id } = place;
  return claimed({ root, id, seen, wait: false }, [...removeCgroup(root, place, place.stop ?? []), removeState(root, id), ...then]);
}

interface Claim {
  readonly root: string;
  readonly id: string;
  readonly seen: readonly SeenFile[];
  /** For another's lock. */
  readonly wait: boolean;
}

function claimed({ root, id, seen, wait }: Claim, program: Plan): Plan {
  const directory = slotOf(id);
  return [
    { op: 'claimStateDirectory', pointer: '', path: root, id, wait, directory },
    ...seen.map((file): Op => ({ op: 'expectStateFile', pointer: '', directory, ...file })),
    { op: 'whenFilled', pointer: '', slot: directory, program },
  ];
}

// gc's plan removes several.
function slotOf(id: string): string {
  return `state/${id}`;
}

function removeState(root: string, id: string): Op {
  return { op: 'removeStateDirectory', pointer: '', path: root, id, directory: slotOf(id) };
}

/** Kills it and waits for its end; one that has ended already is no error. */
export function endInit({ pid, startTime }: { pid: number; startTime: bigint }): Op[] {
  return [{ op: 'endProcess', pointer: '', pid, startTime, milliseconds: killTimeout }];
}

// The path alone could be another container's by now: only the cgroup that names this one as its owner is opened.
function removeCgroup(root: string, { id, cgroup }: Pick<StoredState, 'id' | 'cgroup'>, stop: Plan): Op[] {
  if (cgroup === null) return [];
  const slot = `cgroup/${id}`;
  return [
    { op: 'openCgroup', pointer: '', ...cgroup, owner: `${root}/${id}`, orGone: true, cgroup: slot },
    { op: 'killCgroup', pointer: '', cgroup: slot },
    ...(stop.length === 0 ? [] : [{ op: 'whenFilled', pointer: '', slot, program: stop } as const]),
    { op: 'removeCgroup', pointer: '', ...cgroup, cgroup: slot },
  ];
}

function removeResctrlGroups({ resctrlGroups = [] }: StoredState): Op[] {
  return resctrlGroups.map((path) => ({ op: 'removeResctrlGroup', pointer: '', path, group: null }));
}

/** The container's hooks as they were when it was made. Its configuration is only understood if it names this kind: few do. */
export function hooksOf(root: string, id: string, name: HookName): Config['hooks'] {
  return mentions(`${root}/${id}/${configFileName}`, name) ? readSavedConfig(root, id).hooks : undefined;
}

function mentions(path: string, name: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes(`"${name}"`);
  } catch {
    return false; // made by half
  }
}

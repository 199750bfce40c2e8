// What must go when a container goes, from its stored state alone: `delete` and `gc` plan it so.
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { type HookName, planPoststopHooks } from '../plan/hooks.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { configFileName, readSavedConfig } from './saved-config.ts';
import type { FoundContainer, StoredState } from './stored-state.ts';

/** How long a killed process may take to end, as runc's delete --force has it. */
const killTimeout = 10_000;

/** Ends what still runs, then removes cgroup and state directory; what is gone already is no error. */
export function planRemoval(root: string, { state, init, attended }: FoundContainer): Plan {
  const poststop = attended ? [] : planPoststopHooks(hooksOf(root, state.id, 'poststop'), state, null); // a helper that attends to it runs them itself
  return [
    ...(init === null ? [] : endInit(init)),
    ...removeCgroup(root, state),
    ...removeResctrlGroups(state),
    ...removeState(root, state.id),
    ...poststop,
  ];
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

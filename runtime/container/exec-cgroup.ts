// The cgroup that an exec'd process starts in: the container's own, one below it, or the one in which init is.
import { KrunError } from '../errors/krun-error.ts';
import { cgroupOfProcess } from '../host/facts.ts';
import type { ExecCgroup } from '../plan/exec.ts';
import type { HostFacts } from '../plan/host-facts.ts';
import type { Caller } from './caller.ts';
import type { ProcessIdentity, StoredState } from './stored-state.ts';

export interface ExecPlace {
  readonly root: string;
  readonly state: StoredState;
  readonly init: ProcessIdentity;
  /** --cgroup: below the container's cgroup; null when it was not given. */
  readonly path: string | null;
  readonly facts: HostFacts;
  readonly caller: Caller;
}

/** As execCgroup, and if it takes systemd to come there, how (a user's session is not below the user's own systemd). */
export async function enteredCgroup(place: ExecPlace): Promise<ExecCgroup | null> {
  const found = execCgroup(place);
  const { systemd, cgroup } = place.state;
  const { cgroup2 } = place.facts;
  if (found === null || cgroup === null || systemd === undefined || cgroup2 === null) return found;
  const { enterScope, mayCloneInto } = await import('../plan/scope.ts');
  if (mayCloneInto(found.path, cgroup2) || !found.path.startsWith(cgroup.path)) return found;
  const { mountpoint, path } = found;
  return { ...found, enter: enterScope(systemd, { cgroup: { mountpoint, path }, below: path.slice(cgroup.path.length) }, place.facts) };
}

/** null when the container has none of its own; E_BAD_CGROUP for a path that leads elsewhere. */
export function execCgroup(place: ExecPlace): ExecCgroup | null {
  const { root, state, path } = place;
  if (state.cgroup === null) {
    if (path !== null) throw refuse('the container has no cgroup of its own');
    return null;
  }
  const { mountpoint, path: own } = state.cgroup;
  const names = path === null ? [] : namesOf(path);
  if (names.length > 0) return { mountpoint, path: [own, ...names].join('/'), owner: '' };
  return takesProcesses(place, own) ? { mountpoint, path: own, owner: `${root}/${state.id}` } : cgroupOfInit(place);
}

// As runc, which takes it from the container's own cgroup on, with or without a slash before it.
function namesOf(path: string): string[] {
  if (path.includes(':'))
    throw refuse(`cgroup v2 has all controllers in one hierarchy: a path without "controller:" is needed, not "${path}"`);
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..') || names.some((name) => name.length > 255) || /\p{Cc}/u.test(path))
    throw refuse(`it must lead to a cgroup below the container's own: "${path}"`);
  return names;
}

// A cgroup that gives controllers to others below it takes no processes (cgroups(7), "no internal processes"): a systemd inside has moved them.
function takesProcesses({ facts }: ExecPlace, path: string): boolean {
  const found = facts.cgroup2?.look(path);
  return found?.exists === true && found.enabled.length === 0;
}

function cgroupOfInit({ state, init, caller }: ExecPlace): ExecCgroup | null {
  const path = cgroupOfProcess(caller, init.pid);
  return state.cgroup === null || path === null ? null : { mountpoint: state.cgroup.mountpoint, path, owner: '' };
}

function refuse(message: string): KrunError {
  return new KrunError('E_BAD_CGROUP', `--cgroup: ${message}`);
}

import { createsNamespace } from '../config/namespaces.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { KillOptions } from './options.ts';
import { readSavedConfig } from './saved-config.ts';
import { type FoundContainer, readContainer } from './stored-state.ts';

/** Sends a signal to the container's first process (runtime.md#kill). */
export function killContainer(_caller: Caller, { root, id, signal, all }: KillOptions): Plan {
  const container = readContainer(root, id);
  const { init, status } = container;
  if (status === 'creating') throw notRunning(container);
  const others = signal === SIGKILL ? killOthers(root, container) : [];
  if (status === 'stopped' && all) return [...others, { op: 'exit', pointer: '', status: 0 }];
  if (init === null) throw notRunning(container);
  return [
    { op: 'openProcess', pointer: '', ...init, process: 'init' },
    { op: 'signalProcess', pointer: '', process: 'init', signal, orGone: false },
    ...others,
  ];
}

const SIGKILL = 9;

function notRunning({ state, status }: FoundContainer): KrunError {
  return new KrunError('E_NOT_RUNNING', `container not running: ${state.id} is ${status}`);
}

// With the first process of a pid namespace all others end (pid_namespaces(7)). Without a namespace of its own they would stay, as in runc.
function killOthers(root: string, { state }: FoundContainer): Op[] {
  const { id, cgroup } = state;
  if (cgroup === null || hasPidNamespace(root, id)) return [];
  return [
    { op: 'openCgroup', pointer: '', ...cgroup, owner: `${root}/${id}`, orGone: true, cgroup: 'cgroup' },
    { op: 'killCgroup', pointer: '', cgroup: 'cgroup' },
  ];
}

// One that never came so far as to be saved may have left processes, too.
function hasPidNamespace(root: string, id: string): boolean {
  try {
    return createsNamespace(readSavedConfig(root, id).linux, 'pid');
  } catch (error) {
    if (error instanceof KrunError && error.code === 'E_NO_CONTAINER') return false;
    throw error;
  }
}

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
  const others = signal === SIGKILL ? killOthers(root, container) : [];
  if (status === 'stopped' && all) return [...others, { op: 'exit', pointer: '', status: 0 }];
  if (init === null || status === 'creating') throw new KrunError('E_NOT_RUNNING', `container not running: ${id} is ${status}`);
  return [
    { op: 'openProcess', pointer: '', ...init, process: 'init' },
    { op: 'signalProcess', pointer: '', process: 'init', signal, orGone: false },
    ...others,
  ];
}

const SIGKILL = 9;

// With the first process of a pid namespace all others end (pid_namespaces(7)). Without a namespace of its own they would stay, as in runc.
function killOthers(root: string, { state }: FoundContainer): Op[] {
  const { id, cgroup } = state;
  if (cgroup === null || createsNamespace(readSavedConfig(root, id).linux, 'pid')) return [];
  return [
    { op: 'openCgroup', pointer: '', ...cgroup, owner: `${root}/${id}`, orGone: true, cgroup: 'cgroup' },
    { op: 'killCgroup', pointer: '', cgroup: 'cgroup' },
  ];
}

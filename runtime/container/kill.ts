import { KrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { KillOptions } from './options.ts';
import { readContainer } from './stored-state.ts';

/** Sends a signal to the container's first process (runtime.md#kill). */
export function killContainer(_caller: Caller, { root, id, signal, all }: KillOptions): Plan {
  const { init, status } = readContainer(root, id);
  if (init === null) {
    if (all) return [{ op: 'exit', pointer: '', status: 0 }];
    throw new KrunError('E_NOT_RUNNING', `container not running: ${id} is ${status}`);
  }
  return [
    { op: 'openProcess', pointer: '', ...init, process: 'init' },
    { op: 'signalProcess', pointer: '', process: 'init', signal, orGone: false },
  ];
}

import { KrunError } from '../errors/krun-error.ts';
import { planPoststartHooks } from '../plan/hooks.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { StateOptions } from './options.ts';
import { endInit, hooksOf } from './removal.ts';
import { gateFileNames, type ProcessIdentity, readContainer, type Status } from './stored-state.ts';

/** Lets a created container's process begin (runtime.md#start). What fails on the way there ends it, and it is stopped. */
export function startContainer(_caller: Caller, { root, id }: StateOptions): Plan {
  const { state, init, status } = readContainer(root, id);
  if (status !== 'created' || init === null) throw notCreated(status);
  const directory = 'state';
  return [
    { op: 'openStateDirectory', pointer: '', path: root, id, lock: true, directory },
    { op: 'passGate', pointer: '', directory, ...gateFileNames },
    endIfFailed(init),
    { op: 'waitForStarted', pointer: '' },
    ...planPoststartHooks(hooksOf(root, id, 'poststart'), state, init.pid),
    { op: 'forgetExits', pointer: '' },
    { op: 'exit', pointer: '', status: 0 },
  ];
}

function endIfFailed(init: ProcessIdentity): Op {
  return { op: 'onExit', pointer: '', program: endInit(init) };
}

// runc's words: engines and people search for them.
function notCreated(status: Status): KrunError {
  switch (status) {
    case 'stopped':
      return new KrunError('E_NOT_RUNNING', 'cannot start a container that has stopped');
    case 'running':
      return new KrunError('E_RUNNING', 'cannot start an already running container');
    default:
      return new KrunError('E_RUNNING', `cannot start a container in the ${status} state`);
  }
}

import type { Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { StateOptions } from './options.ts';
import { readContainer } from './stored-state.ts';

/**
 * Waits until a container's first process has ended; one that has ended already is no error. Its exit status is not told: the kernel
 * gives it to the process' parent alone, which for a detached container is whoever adopted it.
 */
export function waitForContainer(_caller: Caller, { root, id }: StateOptions): Plan {
  const { init } = readContainer(root, id);
  if (init === null) return [{ op: 'exit', pointer: '', status: 0 }];
  return [
    { op: 'openProcess', pointer: '', ...init, process: 'init' },
    { op: 'waitForProcess', pointer: '', process: 'init', milliseconds: forever },
    { op: 'exit', pointer: '', status: 0 },
  ];
}

/** 49 days: the longest that the op can say. */
const forever = 0xffff_ffff;

import { explainEnd } from '../cgroup/explain-end.ts';
import type { FollowUp } from '../channel/decode-request.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readCgroupFile } from '../host/statistics.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { print } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { StateOptions } from './options.ts';
import { readContainer } from './stored-state.ts';

/**
 * Waits until a container's first process has ended, prints its exit status and leaves with it (128+n for signal n). The kernel gives it
 * to the process' parent, which for a detached container is whoever adopted it, and shows it to us from 6.15 on, or as long as nobody has
 * reaped the process. Where that is over nothing can be known: E_NO_STATUS, and nothing is printed.
 */
export function waitForContainer(_caller: Caller, options: StateOptions, followUp: FollowUp | null): Plan {
  if (followUp !== null) return conclude(options.id, followUp);
  const plan = planWait(options);
  if (plan.length > 0) return plan;
  throw new KrunError('E_NO_STATUS', `exit status unknown: ${options.id} never had a process, or had it before the host was booted`);
}

/** The wait itself, which endOf understands; nothing when there is no process to wait for. E_NO_CONTAINER, E_NOT_RUNNING. */
export function planWait({ root, id }: StateOptions): Plan {
  const { recorded, state, status } = readContainer(root, id);
  if (recorded === null && status === 'creating')
    throw new KrunError('E_NOT_RUNNING', `container not running: ${id} is still being created`);
  if (recorded === null) return [];
  const { mountpoint, path } = state.cgroup ?? { mountpoint: '', path: '' };
  return [
    { op: 'awaitStatus', pointer: '', ...recorded },
    { op: 'askAgain', pointer: '', memo: mountpoint + path },
  ];
}

/** How the process has ended: exit status, or signal if that is not 0; null when it cannot be known. The numbers are wait(2)'s. */
export function endOf({ input }: FollowUp): { readonly status: number; readonly signal: number } | null {
  const word = new TextDecoder().decode(input);
  return /^\d+$/.test(word) ? { status: (Number(word) >> 8) & 0xff, signal: Number(word) & 0x7f } : null;
}

function conclude(id: string, followUp: FollowUp): Plan {
  const end = endOf(followUp);
  if (end === null) throw unknown(id, new TextDecoder().decode(followUp.input));
  const status = end.signal === 0 ? end.status : 128 + end.signal;
  const why = status === 0 || followUp.memo === '' ? [] : explainEnd(countedIn(followUp.memo));
  return [...why.map((line) => print(2, `krun: ${line}\n`)), print(1, `${status}\n`), { op: 'exit', pointer: '', status }];
}

// The cgroup of a detached container stays until it is deleted.
function countedIn(directory: string) {
  return {
    oomKills: counter(directory, 'memory.events', 'oom_kill'),
    refusedForks: counter(directory, 'pids.events', 'max'),
    memoryLimit: limit(directory, 'memory.max'),
    pidsLimit: limit(directory, 'pids.max'),
  };
}

function counter(directory: string, file: string, key: string): number | null {
  const [, value] = new RegExp(`^${key} (\\d+)$`, 'm').exec(readCgroupFile(directory, file) ?? '') ?? [];
  return value === undefined ? null : Number(value);
}

function limit(directory: string, file: string): string | null {
  const value = readCgroupFile(directory, file)?.trim() ?? 'max';
  return value === 'max' ? null : value;
}

function unknown(id: string, word: string): KrunError {
  if (word === 'gone')
    return new KrunError('E_NO_STATUS', `exit status unknown: ${id} had ended before, and its status has been taken by its parent`, {
      hint: 'let wait begin before the container ends',
    });
  return new KrunError('E_NO_STATUS', `exit status unknown: ${id} has ended, and this kernel shows the status to the parent alone`, {
    hint: 'Linux 6.15 shows it to others as well; a container that krun run attends to has its status always',
  });
}

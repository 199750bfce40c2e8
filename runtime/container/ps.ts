// `ps`: the processes of a container. The table is that of the host's own ps, less what is not the container's, as runc does it; the
// supervisor forks nothing, so the helper runs ps and asks again with its output.
import type { FollowUp } from '../channel/decode-request.ts';
import { KrunError } from '../errors/krun-error.ts';
import { processesOf } from '../host/cgroup-processes.ts';
import { findHostProgram } from '../host/program.ts';
import type { Plan } from '../plan/ops.ts';
import { printText } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { PsOptions, StateOptions } from './options.ts';
import { openOwnCgroup } from './pause.ts';
import { readContainer } from './stored-state.ts';

/** Throws E_NOT_FOUND where the caller's PATH has no ps, E_USAGE if ps prints no column PID. */
export function listProcesses(caller: Caller, options: PsOptions, followUp: FollowUp | null): Plan {
  if (options.format === 'json') return printText(`${JSON.stringify(pidsOf(options))}\n`);
  if (followUp === null) return [capturePs(caller, options.arguments), { op: 'askAgain', pointer: '', memo: '' }];
  return printText(filterByPid(new TextDecoder().decode(followUp.input), new Set(pidsOf(options) ?? [])));
}

/** null, as runc prints it, for a container that has ended. */
export function pidsOf(options: StateOptions): number[] | null {
  const { state, init } = readContainer(options.root, options.id);
  if (init === null) return null;
  openOwnCgroup(options, state);
  return state.cgroup === null ? null : processesOf(state.cgroup.mountpoint + state.cgroup.path);
}

function capturePs({ env }: Caller, given: readonly string[]): Plan[number] {
  const path = findHostProgram('ps', env);
  if (path === null)
    throw new KrunError('E_NOT_FOUND', 'exec: "ps": executable file not found in $PATH', {
      hint: 'install procps, or ask for the pids alone: krun ps --format json ID',
    });
  const environment = [...env].map(([name, value]) => `${name}=${value}`);
  return { op: 'captureOutput', pointer: '', path, arguments: ['ps', ...(given.length === 0 ? ['-ef'] : given)], environment };
}

/** The head and the lines whose column PID is one of these; exported for its test. */
export function filterByPid(table: string, pids: ReadonlySet<number>): string {
  const [head = '', ...rows] = table.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0)
    throw new KrunError('E_USAGE', "couldn't find PID field in ps output", { hint: 'the arguments of ps must keep the column PID' });
  return [head, ...rows.filter((row) => pids.has(Number(row.trim().split(/\s+/)[column])))].map((line) => `${line}\n`).join('');
}

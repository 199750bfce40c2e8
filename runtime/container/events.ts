// `events`: a line of JSON at each interval and for each kill by the kernel for want of memory. A supervisor answers and is gone: the
// helper waits (awaitChange) and asks again, and the memo carries what must not be forgotten from one line to the next.
import type { FollowUp } from '../channel/decode-request.ts';
import { stringifyPrecisely } from '../config/stringify.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readCgroupFile, statisticsOf } from '../host/statistics.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import type { EventsOptions } from './options.ts';
import { notRunning, openOwnCgroup } from './pause.ts';
import { printText } from './print-text.ts';
import { readContainer, type StoredState } from './stored-state.ts';

/** What one question leaves to the next. */
interface Memo {
  /** oom_kill of memory.events; '' where the host has no memory controller on cgroup v2. */
  readonly kills: string;
  /** When the next statistics are due: milliseconds of the clock that starts at boot. */
  readonly due: number;
}

/** Throws E_NOT_RUNNING for a container that has ended, E_NO_CGROUP2 for one without a cgroup. */
export function containerEvents(_caller: Caller, options: EventsOptions, followUp: FollowUp | null): Plan {
  if (followUp !== null) return goOn(options, JSON.parse(followUp.memo) as Memo, valuesOf(followUp.input));
  const container = readContainer(options.root, options.id);
  if (container.init === null) throw notRunning(options.id, container);
  const open = openOwnCgroup(options, container.state);
  const directory = directoryOf(container.state);
  if (options.stats) return printText(`${statisticsLine(options.id, directory)}\n`);
  return [open, ...waitFor({ kills: killsIn(directory), due: now() + options.interval })];
}

// The values that the helper has just seen count: the cgroup itself may have gone since.
function goOn(options: EventsOptions, memo: Memo, [kills = '', populated = '']: readonly string[]): Plan {
  const said = kills !== '' && kills !== memo.kills ? [line(JSON.stringify({ type: 'oom', id: options.id }))] : [];
  const state = populated === '1' ? stateOf(options) : null;
  if (state === null) return said;
  const isDue = now() >= memo.due;
  const statistics = isDue ? [line(statisticsLine(options.id, directoryOf(state)))] : [];
  const due = isDue ? now() + options.interval : memo.due;
  return [...said, ...statistics, { ...openOwnCgroup(options, state), orGone: true } as Op, ...waitFor({ kills, due })];
}

function waitFor(memo: Memo): Plan {
  return [
    {
      op: 'awaitChange',
      pointer: '',
      cgroup: 'cgroup',
      files: ['memory.events', 'cgroup.events'],
      keys: ['oom_kill', 'populated'],
      values: [memo.kills, '1'],
      milliseconds: Math.max(0, memo.due - now()),
    },
    { op: 'askAgain', pointer: '', memo: JSON.stringify(memo) },
  ];
}

// A container that was removed meanwhile has ended, which is no error here.
function stateOf({ root, id }: EventsOptions): StoredState | null {
  try {
    const { state, init } = readContainer(root, id);
    return init === null ? null : state;
  } catch (error) {
    if (error instanceof KrunError && error.code === 'E_NO_CONTAINER') return null;
    throw error;
  }
}

function statisticsLine(id: string, directory: string): string {
  return stringifyPrecisely({ type: 'stats', id, data: statisticsOf(directory) });
}

function killsIn(directory: string): string {
  return /^oom_kill (\d+)$/m.exec(readCgroupFile(directory, 'memory.events') ?? '')?.[1] ?? '';
}

function directoryOf({ cgroup }: StoredState): string {
  return cgroup === null ? '' : cgroup.mountpoint + cgroup.path;
}

function valuesOf(input: Uint8Array): string[] {
  return new TextDecoder().decode(input).split('\0');
}

function line(text: string): Op {
  return { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode(`${text}\n`) };
}

// CLOCK_MONOTONIC: one clock for all supervisors, which the user cannot set.
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

// `events`: a line of JSON at each interval and for each kill by the kernel for want of memory. A supervisor answers and is gone: the
// helper waits (awaitChange) and asks again, and the memo carries what must not be forgotten from one line to the next.
import type { Statistics } from '../cgroup/statistics.ts';
import type { FollowUp } from '../channel/decode-request.ts';
import { stringifyPrecisely } from '../config/stringify.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readCgroupFile, statisticsOf } from '../host/statistics.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { print, printText } from '../plan/print.ts';
import type { Caller } from './caller.ts';
import type { EventsOptions } from './options.ts';
import { notRunning, openOwnCgroup } from './pause.ts';
import { readContainer, type StoredState } from './stored-state.ts';

/** What one question leaves to the next. */
interface Memo {
  /** oom_kill of memory.events; '' where the host has no memory controller on cgroup v2. */
  readonly kills: string;
  /** When the next statistics are due: milliseconds of the clock that starts at boot. */
  readonly due: number;
}

export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Statistics }
  | { readonly type: 'oom'; readonly id: string };

/** What is to be told now, and the plan that waits for the next and then asks again; with an empty plan it was the last. */
export interface NextEvents {
  readonly events: readonly ContainerEvent[];
  readonly plan: Plan;
}

/** Throws E_NOT_RUNNING for a container that has ended, E_NO_CGROUP2 for one without a cgroup. */
export function containerEvents(_caller: Caller, options: EventsOptions, followUp: FollowUp | null): Plan {
  const { events, plan } = nextEvents(options, followUp);
  const lines = events.map((event) => `${event.type === 'oom' ? JSON.stringify(event) : stringifyPrecisely(event)}\n`);
  if (options.stats) return printText(lines.join(''));
  return [...lines.map((line) => print(1, line)), ...plan];
}

/** As containerEvents, for who tells the events in another way. `followUp` is what the plan before has handed on. */
export function nextEvents(options: EventsOptions, followUp: FollowUp | null): NextEvents {
  if (followUp !== null) return goOn(options, JSON.parse(followUp.memo) as Memo, valuesOf(followUp.input));
  const container = readContainer(options.root, options.id);
  if (container.init === null) throw notRunning(options.id, container);
  const open = openOwnCgroup(options, container.state);
  const directory = directoryOf(container.state);
  if (options.stats) return { events: [statistics(options.id, directory)], plan: [] };
  return { events: [], plan: [open, ...waitFor({ kills: killsIn(directory), due: now() + options.interval })] };
}

// The values that the helper has just seen count: the cgroup itself may have gone since.
function goOn(options: EventsOptions, memo: Memo, [kills = '', populated = '']: readonly string[]): NextEvents {
  const { id } = options;
  const said: ContainerEvent[] = kills !== '' && kills !== memo.kills ? [{ type: 'oom', id }] : [];
  const state = populated === '1' ? stateOf(options) : null;
  if (state === null) return { events: said, plan: [] };
  const isDue = now() >= memo.due;
  const due = isDue ? now() + options.interval : memo.due;
  return {
    events: isDue ? [...said, statistics(id, directoryOf(state))] : said,
    plan: [{ ...openOwnCgroup(options, state), orGone: true } as Op, ...waitFor({ kills, due })],
  };
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

function statistics(id: string, directory: string): ContainerEvent {
  return { type: 'stats', id, data: statisticsOf(directory) };
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

// CLOCK_MONOTONIC: one clock for all supervisors, which the user cannot set.
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

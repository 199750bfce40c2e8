// --timing, and DEBUG=krun:*: the helper notes when each op begins and ends, and prints it when the container's process runs.
import type { Caller } from '../container/caller.ts';
import type { Op, OpName, Plan } from '../plan/ops.ts';
import { isSet } from './flag-values.ts';
import type { CommandLine } from './parse.ts';

export function wantsTiming({ env }: Caller, { flags }: CommandLine): boolean {
  return isSet(flags, 'timing') || (env.get('DEBUG') ?? '').split(/[\s,]+/).some((name) => ['*', 'krun:*', 'krun:timing'].includes(name));
}

/** `home` is the supervisor's, which has planned for so many microseconds. */
export function withTiming(plan: Plan, { home, microseconds }: { readonly home: string; readonly microseconds: number }): Plan {
  const end = plan.findIndex(({ op }) => ends.includes(op));
  const start: Op = { op: 'startTiming', pointer: '' };
  const print: Op = { op: 'printTiming', pointer: '', home, microseconds };
  return end < 0 ? [start, ...plan, print] : [start, ...plan.slice(0, end), print, ...plan.slice(end)];
}

// What comes after the container's process has begun, or is the end of what is done.
const ends: readonly OpName[] = ['wait', 'relay', 'releaseInit', 'askAgain', 'exit'];

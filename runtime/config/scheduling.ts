import type { Report } from './problem.ts';
import { array, type Draft, type Infer, int32, integer, object, oneOf, refine, type Schema, string, uint64 } from './schema.ts';

export const schedulerPolicies = [
  'SCHED_OTHER',
  'SCHED_FIFO',
  'SCHED_RR',
  'SCHED_BATCH',
  'SCHED_ISO',
  'SCHED_IDLE',
  'SCHED_DEADLINE',
] as const;

export const schedulerFlags = [
  'SCHED_FLAG_RESET_ON_FORK',
  'SCHED_FLAG_RECLAIM',
  'SCHED_FLAG_DL_OVERRUN',
  'SCHED_FLAG_KEEP_POLICY',
  'SCHED_FLAG_KEEP_PARAMS',
  'SCHED_FLAG_UTIL_CLAMP_MIN',
  'SCHED_FLAG_UTIL_CLAMP_MAX',
] as const;

export const ioPriorityClasses = ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'] as const;

const schedulerShape = object(
  { policy: oneOf(schedulerPolicies) },
  {
    nice: integer(-20, 19),
    priority: int32,
    flags: array(oneOf(schedulerFlags)),
    runtime: uint64,
    deadline: uint64,
    period: uint64,
  },
);

/** sched_setattr(2); runtime, deadline and period in nanoseconds. */
export const scheduler = refine(schedulerShape, reportScheduler);

export const ioPriority = object({ class: oneOf(ioPriorityClasses), priority: integer(0, 7) }, {});

// The largest CONFIG_NR_CPUS and MAX_NUMNODES of any supported kernel.
const mostCpus = 8192;

/** A list such as 0-3,7. */
export const cpuList = numberList(mostCpus, 'CPUs');

/** Used by exec only; validated with the rest. */
export const execCpuAffinity = object({}, { initial: cpuList, final: cpuList });

export type Scheduler = Infer<typeof schedulerShape>;
export type IoPriority = Infer<typeof ioPriority>;
export type ExecCpuAffinity = Infer<typeof execCpuAffinity>;

/** A list of numbers and ranges, each below `limit`; '' is absent. */
export function numberList(limit: number, what: string): Schema<string> {
  const checked = refine(string, (list, report) => {
    if (parseNumberList(list, limit) === undefined) report.error([], `must be a list of ${what} such as 0-3,7, each below ${limit}`);
  });
  return (value, report) => (value === '' ? undefined : checked(value, report));
}

/** 0-2,7 as [0, 1, 2, 7]; undefined if it is no such list. Spaces around elements are allowed, as in runc. */
export function parseNumberList(list: string, limit = mostCpus): readonly number[] | undefined {
  const numbers = new Set<number>();
  for (const part of list.split(',')) {
    const [, first, last = first] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last) || Number(last) >= limit) return undefined;
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number);
  }
  return [...numbers].sort((left, right) => left - right);
}

function reportScheduler(draft: Draft<Scheduler>, report: Report): void {
  const { policy } = draft;
  if (policy === undefined) return;
  if (policy === 'SCHED_ISO') report.error(['policy'], 'must be a policy that Linux implements: SCHED_ISO is only reserved, see sched(7)');
  reportPriority(draft, policy, report);
  if (policy === 'SCHED_DEADLINE') reportDeadline(draft, report);
  else reportStrayDeadline(draft, report);
}

function reportPriority({ priority = 0 }: Draft<Scheduler>, policy: string, report: Report): void {
  const isRealtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  if (isRealtime && (priority < 1 || priority > 99)) report.error(['priority'], `must be from 1 to 99 with ${policy}, not ${priority}`);
  if (!isRealtime && priority !== 0) report.error(['priority'], `must be left out: only SCHED_FIFO and SCHED_RR have one, not ${policy}`);
}

// sched(7): 1024 ns <= runtime <= deadline <= period < 2^63; a period of 0 means the deadline's length.
function reportDeadline({ runtime = 0n, deadline = 0n, period = 0n }: Draft<Scheduler>, report: Report): void {
  if (runtime < 1024n) report.error(['runtime'], `must be at least 1024 ns with SCHED_DEADLINE, not ${runtime}`);
  if (deadline < runtime || deadline === 0n) report.error(['deadline'], `must be given and at least runtime (${runtime}), not ${deadline}`);
  if (period !== 0n && period < deadline) report.error(['period'], `must be at least deadline (${deadline}), not ${period}`);
  if (deadline >= 2n ** 63n) report.error(['deadline'], 'must be below 2^63 ns');
  if (period >= 2n ** 63n) report.error(['period'], 'must be below 2^63 ns');
}

function reportStrayDeadline(draft: Draft<Scheduler>, report: Report): void {
  for (const name of ['runtime', 'deadline', 'period'] as const) {
    if ((draft[name] ?? 0n) !== 0n) report.error([name], `must be left out: only SCHED_DEADLINE has one, not ${draft.policy}`);
  }
}

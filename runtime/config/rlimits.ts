import type { Report } from './problem.ts';
import { array, type Draft, type Infer, object, oneOf, refine, uint64 } from './schema.ts';

/** The resources of getrlimit(2), in the order of their numbers on x86_64 and arm64. */
export const rlimitTypes = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
] as const;

/** 2^64-1 is RLIM_INFINITY. */
const rlimit = refine(object({ type: oneOf(rlimitTypes), soft: uint64, hard: uint64 }, {}), ({ soft, hard }, report) => {
  if (soft !== undefined && hard !== undefined && soft > hard) report.error(['soft'], `must be at most hard (${hard}), not ${soft}`);
});

export const rlimits = refine(array(rlimit), reportDuplicates);

export type Rlimit = Infer<typeof rlimit>;

// config.md#posix-process: "If rlimits contains duplicated entries with same type, the runtime MUST generate an error".
function reportDuplicates(limits: Draft<readonly Rlimit[]>, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, limit] of limits.entries()) {
    if (limit?.type === undefined) continue;
    const first = seen.get(limit.type);
    if (first === undefined) seen.set(limit.type, index);
    else report.error([index, 'type'], `must not stand twice: ${limit.type} is already in rlimits[${first}]`);
  }
}

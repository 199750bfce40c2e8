import type { Report } from './problem.ts';
import { absentIfEmpty, type Draft, type Infer, int64, integer, matching, object, refine, uint64 } from './schema.ts';

// The kernel's own syntax for cpusets goes further than 0-3,7 (such as 0-31:2/4): what it means is left to the kernel.
const cpuset = absentIfEmpty(matching(/^[\d,:/ -]+$/, 'a list such as 0-3,7'));

const cpuShape = object(
  {},
  {
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: cpuset,
    mems: cpuset,
    idle: integer(0, 1),
  },
);

/** config-linux.md#cpu, as far as cgroup v2 has it; times in microseconds. */
export const cpu = refine(cpuShape, reportCpu);

export type Cpu = Infer<typeof cpuShape>;

function reportCpu({ quota = 0n, burst = 0n, period = 0n, realtimeRuntime = 0n, realtimePeriod = 0n }: Draft<Cpu>, report: Report): void {
  // kernel/sched/core.c: min_cfs_quota_period and max_cfs_quota_period.
  if (period !== 0n && (period < 1000n || period > 1_000_000n)) report.error(['period'], `must be from 1000 to 1000000 µs, not ${period}`);
  if (quota > 0n && quota < 1000n) report.error(['quota'], `must be at least 1000 µs, or -1 for no limit, not ${quota}`);
  if (quota > 0n && burst > quota) report.error(['burst'], `must be at most quota (${quota}), not ${burst}`);
  // 0 is what engines write for "not set".
  if (realtimeRuntime !== 0n) report.error(['realtimeRuntime'], 'must be left out: cgroup v2 cannot limit realtime scheduling');
  if (realtimePeriod !== 0n) report.error(['realtimePeriod'], 'must be left out: cgroup v2 cannot limit realtime scheduling');
}

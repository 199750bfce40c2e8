import { cacheCounts } from '../host/file-cache.ts';
import { version } from '../version.ts';
import type { ServiceStatus } from './home.ts';

export interface ServiceStatistics {
  serving(command: string): void;
  /** One answer, and what it took in milliseconds. */
  answered(milliseconds: number): void;
  refused(): void;
  /** Milliseconds since the last call. */
  idleFor(): number;
  status(waiting: number): Omit<ServiceStatus, 'templateHits'>;
}

const kept = 1000;

export function makeServiceStatistics(): ServiceStatistics {
  const began = performance.now();
  const times = new Float64Array(kept);
  let [last, answers, starts, refusals] = [began, 0, 0, 0];
  return {
    serving: (command) => {
      if (command === 'run' || command === 'create') starts++;
    },
    answered: (milliseconds) => {
      last = performance.now();
      times[answers++ % kept] = milliseconds;
    },
    refused: () => {
      last = performance.now();
      refusals++;
    },
    idleFor: () => performance.now() - last,
    status: (waiting) => {
      const sorted = times.slice(0, Math.min(answers, kept)).sort();
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return {
        pid: process.pid,
        version,
        uptime: performance.now() - began,
        starts,
        answers,
        refusals,
        p50: at(0.5),
        p99: at(0.99),
        ...cacheCounts(),
        waiting,
        memory: process.memoryUsage.rss(),
      };
    },
  };
}

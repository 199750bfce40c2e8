import { readFileSync } from 'node:fs';
import { arch, availableParallelism, loadavg } from 'node:os';

/** Where a bench ran, and how busy that was at its end: the load average of five minutes. */
export interface Machine {
  readonly architecture: string;
  readonly processors: number;
  readonly isVirtual: boolean;
  readonly load: number;
}

export function describeMachine(): Machine {
  const isVirtual = /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  return { architecture: arch(), processors: availableParallelism(), isVirtual, load: loadavg()[1] ?? 0 };
}

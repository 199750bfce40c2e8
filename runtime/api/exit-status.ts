import { signalName } from '../cli/signals.ts';
import type { ProcessEnd } from './call.ts';

/** How a process ended: one of the first two is null. */
export interface ExitStatus {
  /** 0 to 255. */
  readonly exitCode: number | null;
  /** Such as SIGKILL. */
  readonly signal: string | null;
  /** As a shell and `krun run` have it: the exit code, or 128 + n for signal n. */
  readonly status: number;
}

export function exitStatus({ status, signal }: ProcessEnd): ExitStatus {
  return signal === 0 ? { exitCode: status, signal: null, status } : { exitCode: null, signal: signalName(signal), status: 128 + signal };
}

import type { Caller } from '../container/caller.ts';
import { asKrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import { logOptions } from './global-options.ts';
import type { CommandLine } from './parse.ts';
import { errorPlan } from './report.ts';

/** The plan that reports what was thrown as the flags of this command line want it. */
export function reportFailure(error: unknown, caller: Caller, line: CommandLine): Plan {
  const passesThrough = (line.command === 'exec' || line.command === 'wait') && line.problem === null;
  return errorPlan(asKrunError(error), passesThrough ? ownFailureStatus : failureStatus, {
    log: logOptions(caller, line.globals),
    now: new Date(),
  });
}

// runc's: 1, whatever went wrong; 255 where the process' own status passes through, once the command line is understood.
const failureStatus = 1;
const ownFailureStatus = 255;

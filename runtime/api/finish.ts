// A call's outcome → what the program gets: a status, or a KrunError, or the reason of its own abort.
import { resolve } from 'node:path';
import { endedMeanwhile } from '../container/has-ended.ts';
import { explainFailure } from '../errors/explain.ts';
import { lookUp } from '../errors/failure.ts';
import type { FailureReport } from '../errors/failure-report.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readFailureFacts } from '../host/failure-facts.ts';
import type { Call, Outcome } from './call.ts';

/** What explaining a failure needs to know of the call. */
export interface Subject {
  readonly root: string;
  readonly id: string;
  readonly uid: number;
  /** The directory that a relative mount source is relative to. */
  readonly bundle: string;
  /** For messages; null when it cannot be read. */
  readonly config: () => unknown;
  /** A process joins the container. */
  readonly joins: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onWarning: (warning: KrunError) => void;
}

/** The outcome of a call that went as planned. Throws a KrunError, or the signal's reason when it was aborted. */
export async function finish(call: Call, subject: Subject): Promise<Outcome> {
  const outcome = await call.outcome.catch((error: unknown) => {
    throw subject.signal?.aborted === true ? subject.signal.reason : error;
  });
  for (const warning of outcome.warnings) subject.onWarning(explain(warning, subject));
  if (subject.signal?.aborted === true) throw subject.signal.reason;
  if (outcome.failure !== null) throw explain(outcome.failure, subject);
  if (outcome.interrupted) throw interrupted(outcome.signal);
  return outcome;
}

function explain(report: FailureReport, subject: Subject): KrunError {
  const raced = subject.joins ? endedMeanwhile(subject.root, subject.id, report) : null;
  if (raced !== null) return raced;
  const config = read(subject.config);
  const source = lookUp(config, `${report.pointer}/source`);
  return explainFailure(report, readFailureFacts(subject.uid, config, typeof source === 'string' ? resolve(subject.bundle, source) : null));
}

// Nothing in the message depends on it; it only gets better by it.
function read(config: () => unknown): unknown {
  try {
    return config();
  } catch {
    return null;
  }
}

function interrupted(signal: number): KrunError {
  return new KrunError('E_SET_UP_KILLED', `the call was ended by signal ${signal} before it was done; nothing is left of it`);
}

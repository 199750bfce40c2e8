// The second question of a helper whose plan failed: what does this mean? The answer is a plan that reports it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Caller } from '../container/caller.ts';
import { requireContainerId } from '../container/container-id.ts';
import { endedMeanwhile } from '../container/has-ended.ts';
import { explainFailure } from '../errors/explain.ts';
import { lookUp } from '../errors/failure.ts';
import type { FailureReport } from '../errors/failure-report.ts';
import type { KrunError } from '../errors/krun-error.ts';
import { readFailureFacts } from '../host/failure-facts.ts';
import type { Plan } from '../plan/ops.ts';
import { globalOptions, logOptions } from './global-options.ts';
import { type CommandLine, parse } from './parse.ts';
import { warningOps } from './report.ts';
import { reportFailure } from './report-failure.ts';
import { subject } from './run-options.ts';

/** Never rejects. */
export async function handleFailure(caller: Caller, report: FailureReport): Promise<Plan> {
  const line = parse(caller.argv);
  try {
    const { bundle, config } = await readBundle(caller, line);
    const source = lookUp(config, `${report.pointer}/source`);
    const facts = readFailureFacts(caller.uid, config, typeof source === 'string' ? resolve(bundle, source) : null, criuLogOf(report));
    const error = line.command === 'exec' ? endedMeanwhile(globalOptions(caller, line).root, line.positionals[0] ?? '', report) : null;
    if (isWarning(report)) return warnOf(explainFailure(report, facts), caller, line);
    return reportFailure(error ?? explainFailure(report, facts), caller, withoutBrokenLog(line, report));
  } catch (error) {
    return reportFailure(error, caller, line);
  }
}

function criuLogOf({ op, path }: FailureReport): string | null {
  return op === 'awaitCriu' && path !== '' ? path : null;
}

// runtime.md#delete: a poststop hook that fails is to be logged, and the rest goes on.
function isWarning({ op, pointer }: FailureReport): boolean {
  return op === 'hook' && pointer.startsWith('/hooks/poststop/');
}

// On stderr too when there is no log, whatever its level: a hook that did not clean up may not go unnoticed.
function warnOf(error: KrunError, caller: Caller, line: CommandLine): Plan {
  const log = logOptions(caller, line.globals);
  const { message, pointer = '' } = error;
  return warningOps([{ message, pointer }], { log: log.file === null ? { ...log, level: 'warning' } : log, now: new Date() });
}

// Nothing in the message depends on config.json being readable now; it only gets better by it.
async function readBundle(caller: Caller, line: CommandLine): Promise<{ bundle: string; config: unknown }> {
  try {
    if (line.command !== null && ['exec', 'start', 'delete', 'checkpoint'].includes(line.command))
      return { bundle: caller.cwd, config: savedConfig(caller, line) };
    if (line.command !== 'run' && line.command !== 'create' && line.command !== 'restore') return { bundle: caller.cwd, config: null };
    const { bundle, config } = await subject(caller, line);
    return { bundle, config: config ?? JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) };
  } catch {
    return { bundle: caller.cwd, config: null };
  }
}

function savedConfig(caller: Caller, line: CommandLine): unknown {
  const { root } = globalOptions(caller, line);
  const id = requireContainerId(line.positionals[0] ?? '');
  return JSON.parse(readFileSync(join(root, id, 'config.json'), 'utf8'));
}

// When it was the log that could not be written, it must not be tried again.
function withoutBrokenLog(line: CommandLine, report: FailureReport): CommandLine {
  if (report.op !== 'appendFile') return line;
  const globals = new Map(line.globals);
  globals.delete('log');
  return { ...line, globals };
}

import { isSet } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';
import { planJson } from '../plan-json.ts';
import { printPlan } from '../print-plan.ts';
import { exit, print } from '../report.ts';

/** What `run` would answer to the same arguments, printed instead of carried out. */
export const plan: CommandHandler = async (caller, line) => {
  const [{ runContainer }, { run, runOptions }] = [await import('../../container/run.ts'), await import('./run.ts')];
  if (isSet(line.flags, 'print-config')) return run(caller, line);
  const ops = await runContainer(caller, await runOptions(caller, line));
  return [...print(1, isSet(line.flags, 'json') ? `${planJson(ops)}\n` : printPlan(ops)), exit(0)];
};

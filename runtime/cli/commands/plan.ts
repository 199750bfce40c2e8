import { exit, print } from '../../plan/print.ts';
import { isSet } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';
import { planJson } from '../plan-json.ts';
import { printPlan } from '../print-plan.ts';

/** What `run` would answer to the same arguments, printed instead of carried out. */
export const plan: CommandHandler = async (caller, line) => {
  const { run } = await import('./run.ts');
  const ops = await run(caller, line, null, null);
  if (isSet(line.flags, 'print-config')) return ops;
  return [print(1, isSet(line.flags, 'json') ? `${planJson(ops)}\n` : printPlan(ops)), exit(0)];
};

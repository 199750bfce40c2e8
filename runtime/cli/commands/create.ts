import { runContainer } from '../../container/run.ts';
import { clock } from '../../host/clock.ts';
import type { CommandHandler } from '../handle.ts';
import { warningOps } from '../report.ts';
import { runOptions } from '../run-options.ts';

export const create: CommandHandler = async (caller, line) => {
  const options = await runOptions(caller, line);
  const { plan, warnings } = await runContainer(caller, options);
  return [...warningOps(warnings, { log: options.log, now: clock.now() }), ...plan];
};

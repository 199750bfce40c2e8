import { updateContainer } from '../../container/update.ts';
import type { CommandHandler } from '../handle.ts';
import { warningOps } from '../report.ts';
import { updateOptions } from '../update-options.ts';

export const update: CommandHandler = (caller, line, followUp) => {
  const options = updateOptions(caller, line);
  return updateContainer(caller, options, followUp, (warnings) => warningOps(warnings, { log: options.log, now: new Date() }));
};

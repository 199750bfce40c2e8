import { stringifyConfig } from '../../config/stringify.ts';
import type { Caller } from '../../container/caller.ts';
import { runContainer } from '../../container/run.ts';
import { clock } from '../../host/clock.ts';
import type { Plan } from '../../plan/ops.ts';
import { printText } from '../../plan/print.ts';
import { isSet, textOf } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';
import { type CommandLine, usageError } from '../parse.ts';
import { warningOps } from '../report.ts';
import { runOptions, subject } from '../run-options.ts';

export const run: CommandHandler = async (caller, line, followUp) => {
  if (followUp !== null) return (await import('../control-commands.ts')).explainRun(followUp);
  if (textOf(line.flags, 'image') !== null) return (await import('../control-commands.ts')).becomeImages(caller, line, null, null);
  if (isSet(line.flags, 'print-config')) return printConfig(caller, line);
  const options = await runOptions(caller, line);
  const { plan, warnings } = await runContainer(caller, options);
  return [...warningOps(warnings, { log: options.log, now: clock.now() }), ...plan];
};

async function printConfig(caller: Caller, line: CommandLine): Promise<Plan> {
  const { config } = await subject(caller, line);
  if (config === null) throw usageError('--print-config needs --rootfs DIR: a bundle has its config.json');
  return printText(`${stringifyConfig(config)}\n`);
}

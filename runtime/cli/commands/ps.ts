import { requireContainerId } from '../../container/container-id.ts';
import { listProcesses } from '../../container/ps.ts';
import { textOf } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const ps: CommandHandler = (caller, line, followUp) => {
  const [id = '', ...given] = line.positionals;
  const format = textOf(line.flags, 'format') === 'json' ? 'json' : 'table';
  return listProcesses(caller, { ...globalOptions(caller, line), id: requireContainerId(id), format, arguments: given }, followUp);
};

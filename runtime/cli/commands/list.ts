import { listContainers } from '../../container/list.ts';
import { isSet, textOf } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const list: CommandHandler = (caller, line) =>
  listContainers(caller, {
    ...globalOptions(caller, line),
    format: textOf(line.flags, 'format') === 'json' ? 'json' : 'table',
    quiet: isSet(line.flags, 'quiet'),
  });

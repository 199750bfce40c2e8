import { requireContainerId } from '../../container/container-id.ts';
import { deleteContainer } from '../../container/delete.ts';
import { isSet } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const deleteCommand: CommandHandler = (caller, line) =>
  deleteContainer(caller, {
    ...globalOptions(caller, line),
    id: requireContainerId(line.positionals[0] ?? ''),
    force: isSet(line.flags, 'force'),
  });

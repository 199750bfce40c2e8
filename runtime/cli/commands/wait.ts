import { requireContainerId } from '../../container/container-id.ts';
import { waitForContainer } from '../../container/wait.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const wait: CommandHandler = (caller, line, followUp) =>
  waitForContainer(caller, { ...globalOptions(caller, line), id: requireContainerId(line.positionals[0] ?? '') }, followUp);

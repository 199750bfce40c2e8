import { requireContainerId } from '../../container/container-id.ts';
import { startContainer } from '../../container/start.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const start: CommandHandler = (caller, line) =>
  startContainer(caller, { ...globalOptions(caller, line), id: requireContainerId(line.positionals[0] ?? '') });

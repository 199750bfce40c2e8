import { requireContainerId } from '../../container/container-id.ts';
import { pauseContainer } from '../../container/pause.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const pause: CommandHandler = (caller, line) =>
  pauseContainer(caller, { ...globalOptions(caller, line), id: requireContainerId(line.positionals[0] ?? '') });

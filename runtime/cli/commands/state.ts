import { requireContainerId } from '../../container/container-id.ts';
import { containerState } from '../../container/state.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const state: CommandHandler = (caller, line) =>
  containerState(caller, { ...globalOptions(caller, line), id: requireContainerId(line.positionals[0] ?? '') });

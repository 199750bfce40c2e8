import { updateContainer } from '../../container/update.ts';
import type { CommandHandler } from '../handle.ts';
import { updateOptions } from '../update-options.ts';

export const update: CommandHandler = (caller, line, followUp) => updateContainer(caller, updateOptions(caller, line), followUp);

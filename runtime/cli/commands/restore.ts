import { restoreContainer } from '../../container/restore.ts';
import { restoreOptions } from '../checkpoint-options.ts';
import type { CommandHandler } from '../handle.ts';

export const restore: CommandHandler = (caller, line, followUp) => restoreContainer(caller, restoreOptions(caller, line), followUp);

import { checkpointContainer } from '../../container/checkpoint.ts';
import { checkpointOptions } from '../checkpoint-options.ts';
import type { CommandHandler } from '../handle.ts';

export const checkpoint: CommandHandler = (caller, line, followUp) =>
  checkpointContainer(caller, checkpointOptions(caller, line), followUp);

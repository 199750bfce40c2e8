import { execInContainer } from '../../container/exec.ts';
import { execOptions } from '../exec-options.ts';
import type { CommandHandler } from '../handle.ts';

export const exec: CommandHandler = (caller, line) => execInContainer(caller, execOptions(caller, line));

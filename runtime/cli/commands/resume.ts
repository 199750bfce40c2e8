import { requireContainerId } from '../../container/container-id.ts';
import { resumeContainer } from '../../container/pause.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const resume: CommandHandler = (caller, line) =>
  resumeContainer(caller, { ...globalOptions(caller, line), id: requireContainerId(line.positionals[0] ?? '') });

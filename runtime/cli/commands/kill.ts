import { requireContainerId } from '../../container/container-id.ts';
import { killContainer } from '../../container/kill.ts';
import { isSet } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';
import { signalNumber } from '../signals.ts';

export const kill: CommandHandler = (caller, line) => {
  const [id = '', signal = 'SIGTERM'] = line.positionals;
  return killContainer(caller, {
    ...globalOptions(caller, line),
    id: requireContainerId(id),
    signal: signalNumber(signal),
    all: isSet(line.flags, 'all'),
  });
};

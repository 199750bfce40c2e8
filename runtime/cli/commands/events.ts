import { requireContainerId } from '../../container/container-id.ts';
import { containerEvents } from '../../container/events.ts';
import { isSet, textOf } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';
import { parseDuration } from '../quantities.ts';

export const events: CommandHandler = (caller, line, followUp) => {
  const id = requireContainerId(line.positionals[0] ?? '');
  const interval = parseDuration(textOf(line.flags, 'interval') ?? '5s', 'interval');
  return containerEvents(caller, { ...globalOptions(caller, line), id, stats: isSet(line.flags, 'stats'), interval }, followUp);
};

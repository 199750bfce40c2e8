import { requireContainerId } from '../../container/container-id.ts';
import { collectGarbage } from '../../container/gc.ts';
import { globalOptions } from '../global-options.ts';
import type { CommandHandler } from '../handle.ts';

export const gc: CommandHandler = (caller, line) => {
  const [id] = line.positionals;
  return collectGarbage(caller, { ...globalOptions(caller, line), id: id === undefined ? null : requireContainerId(id) });
};

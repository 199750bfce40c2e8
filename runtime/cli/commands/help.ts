import { nearestName } from '../../config/nearest-name.ts';
import { exit, print } from '../../plan/print.ts';
import { type CommandName, commandTable, isCommand } from '../commands.ts';
import type { CommandHandler } from '../handle.ts';
import { type CommandLine, usageError } from '../parse.ts';
import { helpText } from '../yargs.ts';

/** `krun`, `krun --help`, `krun help COMMAND`, `krun COMMAND --help`: on stdout, status 0. */
export const help: CommandHandler = async (_caller, line) => [print(1, `${await helpText(commandMeant(line))}\n`), exit(0)];

function commandMeant({ command, positionals }: CommandLine): CommandName | null {
  if (command !== 'help') return command;
  const [name] = positionals;
  if (name === undefined || isCommand(name)) return name ?? null;
  const close = nearestName(name, Object.keys(commandTable));
  throw usageError(`unknown command "${name}"`, close === undefined ? 'krun --help lists the commands' : `did you mean ${close}?`);
}

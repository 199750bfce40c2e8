// The flag table as yargs definitions, for help. Loaded by that only; parse.ts reads what a command line means.
import yargs, { type Argv, type Options } from 'yargs';
import { type CommandName, commandTable, describeCommand } from './commands.ts';
import { type Flag, flagsOf } from './flags.ts';

/** Help of one command, or of krun (null). */
export function helpText(command: CommandName | null): Promise<string> {
  return define(command).getHelp();
}

/** Definitions alone: nothing is read from this process, written to it, or ends it. */
export function define(command: CommandName | null): Argv {
  const parser = yargs([])
    .scriptName('krun')
    .help(false)
    .version(false)
    .exitProcess(false)
    .locale('en')
    .wrap(width)
    .parserConfiguration(goLike);
  if (command === null) {
    parser.usage('krun [GLOBAL FLAGS] COMMAND [FLAGS] [ARGUMENTS]\n\nRuns OCI bundles as containers.');
    for (const [name, { help }] of shownCommands()) parser.command(name, help);
  } else {
    const { help, arguments: names } = describeCommand(command);
    parser.usage(`krun [GLOBAL FLAGS] ${command} [FLAGS] ${names}`.trimEnd().concat(`\n\n${sentence(help)}`));
    addFlags(parser, flagsOf(command), 'Flags:');
  }
  const own = new Set(command === null ? [] : flagsOf(command).flatMap(({ name, alias = [] }) => [name, ...alias]));
  const globals = flagsOf(null).filter(({ name }) => !own.has(name));
  addFlags(
    parser,
    command === null ? globals : globals.map((flag) => ({ ...flag, alias: (flag.alias ?? []).filter((letter) => !own.has(letter)) })),
    'Global flags:',
  );
  return parser;
}

const width = 110;

// What the table-driven parser does, as far as yargs-parser can be told to.
const goLike = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
};

function shownCommands(): readonly [string, { readonly help: string }][] {
  return Object.keys(commandTable)
    .map((name) => [name, describeCommand(name as CommandName)] as const)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { help }]) => [name, { help }]);
}

function addFlags(parser: Argv, flags: readonly Flag[], group: string): void {
  for (const flag of flags) parser.option(flag.name, { ...optionOf(flag), group });
}

function optionOf({ type, help, alias, default: byDefault, choices, value, hidden }: Flag): Options {
  return {
    description: value === undefined ? help : `${help} [${value}]`,
    ...(type === 'list' ? { array: true, string: true } : { type }),
    ...(type === 'boolean' ? {} : { requiresArg: true }),
    ...(alias && { alias: [...alias] }),
    ...(byDefault !== undefined && { default: type === 'number' ? Number(byDefault) : byDefault }),
    ...(choices && { choices: [...choices] }),
    ...(hidden && { hidden: true }),
  };
}

function sentence(help: string): string {
  return `${help[0]?.toUpperCase()}${help.slice(1)}.`;
}

// argv → command, flags, positional arguments: runc's command line, with Go's leniency (-long, --f=v, --f v, --bool=false).
import { nearestName } from '../config/nearest-name.ts';
import { KrunError } from '../errors/krun-error.ts';
import { type CommandName, commandTable, describeCommand, isCommand } from './commands.ts';
import { type Flag, flagsOf } from './flags.ts';

export type FlagValue = boolean | string | number | readonly string[];
export type FlagValues = ReadonlyMap<string, FlagValue>;

export interface CommandLine {
  readonly command: CommandName | null;
  /** Flags without a value are absent unless the table gives them a default; so are switches that are off by default. */
  readonly globals: FlagValues;
  readonly flags: FlagValues;
  readonly positionals: readonly string[];
  /** What stands after `--`, for commands that take a program; null without `--`. */
  readonly program: readonly string[] | null;
  /** The first mistake. What could be read before and after it is there, so that the log flags hold for its report. */
  readonly problem: KrunError | null;
}

/** Never throws: a mistake is in `problem`. */
export function parse(argv: readonly string[]): CommandLine {
  const reading: Reading = {
    argv,
    next: 0,
    command: null,
    globals: { known: flagsOf(null), values: new Map() },
    local: { known: [], values: new Map() },
    positionals: [],
    program: null,
    problem: null,
  };
  while (reading.next < argv.length) readArgument(reading);
  const { command, globals, local, positionals, program } = reading;
  const asksOnly = globals.values.get('help') === true || globals.values.get('version') === true;
  if (command !== null && !asksOnly) reading.problem ??= wrongCount(command, positionals.length);
  const flags = withDefaults(local);
  return { command, globals: withDefaults(globals), flags, positionals, program, problem: reading.problem };
}

interface Scope {
  known: readonly Flag[];
  readonly values: Map<string, FlagValue>;
}

interface Reading {
  readonly argv: readonly string[];
  next: number;
  command: CommandName | null;
  readonly globals: Scope;
  readonly local: Scope;
  readonly positionals: string[];
  program: string[] | null;
  problem: KrunError | null;
}

function readArgument(reading: Reading): void {
  const argument = reading.argv[reading.next++] ?? '';
  if (argument === '--') readRest(reading);
  else if (argument.length > 1 && argument.startsWith('-')) readFlag(reading, argument);
  else if (reading.command === null) readCommand(reading, argument);
  else {
    reading.positionals.push(argument);
    if (describeCommand(reading.command).stopsAtFirst) takeRest(reading, reading.positionals);
  }
}

function readRest(reading: Reading): void {
  if (reading.command === null) return;
  if (describeCommand(reading.command).takesProgram) reading.program = [];
  takeRest(reading, reading.program ?? reading.positionals);
}

function takeRest(reading: Reading, into: string[]): void {
  into.push(...reading.argv.slice(reading.next));
  reading.next = reading.argv.length;
}

function readCommand(reading: Reading, name: string): void {
  if (isCommand(name)) {
    reading.command = name;
    reading.local.known = flagsOf(name);
    return;
  }
  reading.problem ??= usageError(`unknown command "${name}"`, suggestion(nearestName(name, Object.keys(commandTable))));
  takeRest(reading, []);
}

function readFlag(reading: Reading, argument: string): void {
  const equals = argument.indexOf('=');
  const name = argument.slice(argument.startsWith('--') ? 2 : 1, equals < 0 ? undefined : equals);
  const scope = [reading.local, reading.globals].find((each) => find(each.known, name) !== undefined);
  const flag = scope && find(scope.known, name);
  if (scope === undefined || flag === undefined) {
    reading.problem ??= unknownFlag(reading, argument.replace(/=.*/s, ''));
    return;
  }
  const attached = equals < 0 ? undefined : argument.slice(equals + 1);
  const value = attached ?? (flag.type === 'boolean' ? 'true' : reading.argv[reading.next++]);
  if (value === undefined) reading.problem ??= usageError(`flag needs an argument: --${flag.name}`);
  else store(reading, scope, flag, value);
}

function find(known: readonly Flag[], name: string): Flag | undefined {
  return known.find((flag) => flag.name === name || flag.alias?.includes(name));
}

function unknownFlag(reading: Reading, written: string): KrunError {
  const names = [...reading.local.known, ...reading.globals.known].map((flag) => flag.name);
  const close = nearestName(written.replace(/^--?/, ''), names);
  const where = reading.command === null ? '' : ` for "${reading.command}"`;
  return usageError(`unknown flag ${written}${where}`, suggestion(close && `--${close}`));
}

function store(reading: Reading, { values }: Scope, flag: Flag, text: string): void {
  const value = readValue(flag, text);
  if (value === undefined) reading.problem ??= usageError(`invalid value "${text}" for --${flag.name}: must be ${wantedBy(flag)}`);
  else if (flag.type === 'list') values.set(flag.name, [...((values.get(flag.name) ?? []) as readonly string[]), text]);
  else values.set(flag.name, value);
}

// strconv.ParseBool's words, as Go's flag package takes them.
const truths = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const falsehoods = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function readValue(flag: Flag, text: string): FlagValue | undefined {
  if (flag.choices && !flag.choices.includes(text)) return undefined;
  if (flag.type === 'boolean') return truths.has(text) ? true : falsehoods.has(text) ? false : undefined;
  if (flag.type === 'number') return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  return text;
}

function wantedBy(flag: Flag): string {
  if (flag.choices) return `one of ${flag.choices.join(', ')}`;
  return flag.type === 'boolean' ? 'true or false' : 'a whole number';
}

function withDefaults({ known, values }: Scope): FlagValues {
  for (const flag of known) {
    if (flag.default === undefined || values.has(flag.name)) continue;
    const value = readValue(flag, flag.default);
    if (value !== undefined) values.set(flag.name, value);
  }
  return values;
}

function wrongCount(command: CommandName, count: number): KrunError | null {
  const { least, most, arguments: names } = describeCommand(command);
  if (count >= least && count <= most) return null;
  const wanted = least === most ? `exactly ${least}` : count < least ? `at least ${least}` : `at most ${most}`;
  return usageError(
    `"${command}" takes ${wanted} argument${wanted.endsWith(' 1') ? '' : 's'}, not ${count}`,
    `usage: krun ${command} ${names}`.trim(),
  );
}

function suggestion(name: string | undefined): string {
  return name === undefined ? 'krun --help lists what there is' : `did you mean ${name}?`;
}

export function usageError(message: string, hint?: string): KrunError {
  return new KrunError('E_USAGE', message, hint === undefined ? {} : { hint });
}

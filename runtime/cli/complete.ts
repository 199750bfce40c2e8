// What may come last on a command line, of the tables that parse.ts reads it by: commands, flags, their values, ids, or paths.
import { capabilityNames } from '../config/capabilities.ts';
import { type Command, type CommandName, commandTable, describeCommand, isCommand } from './commands.ts';
import { type Flag, flagsOf } from './flags.ts';
import { signalNames } from './signals.ts';

export interface Candidate {
  readonly word: string;
  /** A few words, for shells that show them. */
  readonly help: string;
}

export interface Completion {
  /** Those that go on from what has been typed. */
  readonly candidates: readonly Candidate[];
  /** Whether the shell is to offer paths as well. */
  readonly paths: 'files' | 'directories' | null;
}

/** `words`: those after `krun`, the last one half-typed or empty. `containers` is called only if ids may stand there. */
export function completeLine(words: readonly string[], containers: () => readonly Candidate[]): Completion {
  const line = readLine(joinAtEquals(words.slice(0, -1), words.at(-1) ?? ''));
  const { candidates, paths } = offer(line, containers);
  return { candidates: candidates.filter(({ word }) => word.startsWith(line.last)), paths };
}

interface Line {
  readonly command: CommandName | null;
  readonly positionals: number;
  /** The flag whose value comes last; with `attached` in the same word. */
  readonly flag: Flag | null;
  readonly attached: string;
  /** All flags are behind: what follows is a program and its arguments. */
  readonly isOver: boolean;
  readonly last: string;
}

// bash makes three words of --flag=value; the last of them is what it wants.
function joinAtEquals(before: readonly string[], last: string): { before: readonly string[]; last: string } {
  return { before: before.filter((word) => word !== '='), last: last === '=' ? '' : last };
}

function readLine({ before, last }: { before: readonly string[]; last: string }): Line {
  const reading = { command: null as CommandName | null, positionals: 0, flag: null as Flag | null, isOver: false };
  for (const word of before) {
    if (reading.flag !== null) reading.flag = null;
    else if (word === '--') reading.isOver = true;
    else if (word.length > 1 && word.startsWith('-') && !reading.isOver) reading.flag = wantsValue(reading.command, word);
    else if (reading.command === null) reading.command = isCommand(word) ? word : null;
    else {
      reading.positionals++;
      reading.isOver ||= describeCommand(reading.command).stopsAtFirst === true;
    }
  }
  const equals = last.startsWith('-') && !reading.isOver ? last.indexOf('=') : -1;
  const flag = equals < 0 ? reading.flag : findFlag(reading.command, last.slice(0, equals));
  return { ...reading, flag, attached: equals < 0 ? '' : last.slice(0, equals + 1), last };
}

function wantsValue(command: CommandName | null, word: string): Flag | null {
  const flag = word.includes('=') ? null : findFlag(command, word);
  return flag === null || flag.type === 'boolean' ? null : flag;
}

function findFlag(command: CommandName | null, word: string): Flag | null {
  const name = word.replace(/^--?/, '');
  return flagsHere(command).find((flag) => flag.name === name || flag.alias?.includes(name)) ?? null;
}

// The command's own come first: --rootless is one thing to krun and another to `spec`.
function flagsHere(command: CommandName | null): readonly Flag[] {
  const own = command === null ? [] : flagsOf(command);
  return [...own, ...flagsOf(null).filter(({ name }) => !own.some((flag) => flag.name === name))];
}

function offer({ command, positionals, flag, attached, isOver, last }: Line, containers: () => readonly Candidate[]): Completion {
  if (flag !== null) return valuesOf(flag, attached);
  if (last.startsWith('-') && !isOver) return { candidates: shownFlags(command), paths: null };
  if (command === null) return { candidates: isOver ? [] : shownCommands(), paths: null };
  if (isOver && describeCommand(command).takesProgram) return { candidates: [], paths: null };
  return argumentsOf(command, positionals, containers);
}

function valuesOf({ type, choices, value }: Flag, attached: string): Completion {
  const words = choices ?? (value === 'CAP_NAME' ? capabilityNames : type === 'boolean' ? ['true', 'false'] : []);
  const candidates = words.map((word) => ({ word: attached + word, help: '' }));
  return { candidates, paths: value === 'DIR' ? 'directories' : value === 'FILE' || value === 'PATH' ? 'files' : null };
}

function shownFlags(command: CommandName | null): readonly Candidate[] {
  return flagsHere(command)
    .filter(({ hidden }) => !hidden)
    .map(({ name, help }) => ({ word: `--${name}`, help }));
}

function shownCommands(): readonly Candidate[] {
  const names = Object.keys(commandTable) as CommandName[];
  return names.filter((name) => !describeCommand(name).hidden).map((word) => ({ word, help: describeCommand(word).help }));
}

// The usage says what stands where: "ID [SIGNAL]", "BUNDLE | FILE", "[bash | zsh | fish]".
function argumentsOf(command: CommandName, place: number, containers: () => readonly Candidate[]): Completion {
  const row = describeCommand(command);
  const kinds = alternatives(row).flatMap((names) => namesAt(names, place));
  const candidates = kinds.flatMap((kind) => {
    if (kind === 'ID') return row.makesId ? [] : containers();
    if (kind === 'COMMAND') return shownCommands();
    if (kind === 'SIGNAL') return signalNames().map((word) => ({ word, help: '' }));
    return /^[a-z]+$/.test(kind) ? [{ word: kind, help: '' }] : [];
  });
  return { candidates, paths: kinds.includes('FILE') ? 'files' : kinds.includes('BUNDLE') ? 'directories' : null };
}

// With a flag in it an alternative has its arguments elsewhere.
function alternatives({ arguments: usage }: Command): string[][] {
  return usage
    .replace(/\[([^\]]*)\]/g, (_, inner: string) => inner.replaceAll(' | ', '|'))
    .split(' | ')
    .filter((alternative) => !alternative.includes('--'))
    .map((alternative) => alternative.split(' '));
}

function namesAt(names: readonly string[], place: number): string[] {
  const last = names.at(-1) ?? '';
  const name = names[place] ?? (last.endsWith('…') ? last : '');
  return name.replace('…', '').split('|');
}

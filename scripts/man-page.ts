// docs/krun.8, by the tables that the parser reads: roff(7) with the macros of man(7).
import { type CommandName, commandTable, describeCommand } from '../runtime/cli/commands.ts';
import { type Flag, flagsOf } from '../runtime/cli/flags.ts';

export function manPage(version: string): string {
  return [
    '.\\" made by scripts/generate-docs.ts: edit the tables in runtime/, then run it',
    `.TH KRUN 8 "" "krun ${version}" "System Administration"`,
    '.SH NAME',
    'krun \\- run OCI bundles as Linux containers',
    '.SH SYNOPSIS',
    ...usage('[GLOBAL FLAGS] COMMAND [FLAGS] [ARGUMENTS]'),
    ...usage('run [-b BUNDLE] ID'),
    ...usage('run --rootfs DIR -- PROGRAM…'),
    '.SH DESCRIPTION',
    ...paragraphs(description),
    '.SH GLOBAL FLAGS',
    ...flagsOf(null).filter(isShown).flatMap(describeFlag),
    '.SH COMMANDS',
    ...shownCommands().flatMap(describeOne),
    '.SH EXIT STATUS',
    ...tagged(statuses),
    '.SH FILES',
    ...tagged(files),
    '.SH ENVIRONMENT',
    ...tagged(environment),
    '.SH EXAMPLES',
    ...tagged(examples),
    '.SH SEE ALSO',
    'The OCI runtime specification; ERRORS.md and FLAGS.md beside this page;',
    '.BR namespaces (7),',
    '.BR cgroups (7),',
    '.BR capabilities (7),',
    '.BR seccomp (2)',
    '',
  ].join('\n');
}

type Entry = readonly [term: string, text: string];

const description = [
  'krun makes a container of a bundle, a directory that holds a config.json and a root file system as the OCI runtime specification has them, and runs it. Its command line, output, log and exit statuses are those of runc, so that engines such as podman, docker, containerd, buildah and CRI-O can drive it.',
  '--flag value, --flag=value, -flag value and -f value are the same; a switch is --flag or --flag=false. Flags may stand after arguments, but for the commands whose arguments are a command of their own (exec, ps, kill). Global flags stand before the command, or after it where the command has none of that name.',
];

const statuses: readonly Entry[] = [
  ['0', 'Done; of a foreground run or exec: the process ended with 0.'],
  ['1', 'krun failed; standard error says why and ends in a stable code, E_…, of which ERRORS.md has the list.'],
  ['255', 'exec failed before its process ran.'],
  ['n', 'The status of the process of a foreground run or exec.'],
  ['128+n', 'Signal n ended that process, or krun before it ran.'],
];

const files: readonly Entry[] = [
  ['/run/krun', 'State of root\u2019s containers, unless --root says otherwise: a directory each, which nobody else may read.'],
  ['$XDG_RUNTIME_DIR/krun', 'The same for other users.'],
  ['BUNDLE/config.json', 'What the container is to be. It is read once: what changes later changes nothing.'],
];

const environment: readonly Entry[] = [
  ['XDG_RUNTIME_DIR', 'Where users without privileges keep their state.'],
  ['LISTEN_FDS, LISTEN_PID', 'Sockets for the container, as sd_listen_fds(3) has it; they come before those of --preserve-fds.'],
  ['PATH', 'Where ps is looked for. Nothing else of the environment changes what krun does, and none of it reaches a container.'],
];

const examples: readonly Entry[] = [
  ['krun spec -b hello && krun run hello', 'Write a config.json and run it.'],
  ['krun run --ephemeral --rootfs /srv/debian -- bash', 'Run a program in a directory, and forget what it writes there.'],
  ['krun run --init --detach -b web web', 'In the background, with a first process that reaps.'],
  ['source <(krun completion bash)', 'Complete commands, flags, ids and paths.'],
];

function shownCommands(): CommandName[] {
  return (Object.keys(commandTable) as CommandName[]).filter((name) => !describeCommand(name).hidden);
}

function isShown({ hidden }: Flag): boolean {
  return !hidden;
}

function describeOne(name: CommandName): string[] {
  const { help, arguments: names } = describeCommand(name);
  return [`.SS "${roff(`krun ${name} ${names}`.trim())}"`, ...text(sentence(help)), ...flagsOf(name).filter(isShown).flatMap(describeFlag)];
}

function describeFlag({ name, alias = [], type, choices, value, default: byDefault, help }: Flag): string[] {
  const names = [...alias.map((letter) => `-${letter}`), `--${name}`].map((each) => `\\fB${roff(each)}\\fR`).join(', ');
  const argument = type === 'boolean' ? '' : ` \\fI${roff(choices?.join('|') ?? value ?? 'VALUE')}\\fR`;
  return ['.TP', names + argument, ...text(sentence(help) + (byDefault === undefined ? '' : ` The default is ${byDefault}.`))];
}

function tagged(entries: readonly Entry[]): string[] {
  return entries.flatMap(([term, explanation]) => ['.TP', `.B ${roff(term)}`, ...text(explanation)]);
}

function paragraphs(all: readonly string[]): string[] {
  return all.flatMap((each) => ['.PP', ...text(each)]);
}

function usage(words: string): string[] {
  return ['.B krun', roff(words), '.br'];
}

// A sentence a line, as man-pages(7) likes it, and no line begins with a control character.
function text(prose: string): string[] {
  return roff(prose)
    .split(/(?<=[.:]) (?=[A-Z])/)
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line));
}

function sentence(help: string): string {
  return `${help[0]?.toUpperCase()}${help.slice(1)}.`;
}

function roff(plain: string): string {
  return plain
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '\\|.\\|.\\|.')
    .replaceAll('’', '\\(cq')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq');
}

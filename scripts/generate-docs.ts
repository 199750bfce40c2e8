// docs/ERRORS.md, docs/FLAGS.md and docs/krun.8 from the tables, docs/API.md from examples/: `node scripts/generate-docs.ts` writes them, a test compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type CommandName, commandTable, describeCommand } from '../runtime/cli/commands.ts';
import { type Flag, flagsOf } from '../runtime/cli/flags.ts';
import { knownAnnotations } from '../runtime/config/annotations.ts';
import { errorCodes } from '../runtime/errors/codes.ts';
import { apiPage } from './api-page.ts';
import { manPage } from './man-page.ts';

/** File name below docs/ → content. */
export function generateDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['API.md', apiPage()],
    ['ERRORS.md', errorsPage()],
    ['FLAGS.md', flagsPage()],
    ['ANNOTATIONS.md', annotationsPage()],
    ['krun.8', manPage(version())],
  ]);
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

const made = '<!-- made by scripts/generate-docs.ts: edit the tables in runtime/, then run it -->\n\n';

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`);
  return `${made}# Errors

Every failure has one stable code: match on it, not on the text. Codes are never reused or renamed.

On stderr the first line is the cause; what follows is indented: \`at\` (the place in config.json, RFC 6901), \`doing\` (the step,
as \`krun plan\` prints it), \`kernel\` (system call, path, errno), \`hint\` (what helps), \`code\`.

With \`--log-format json\` it is one line:
\`{"level":"error","msg":…,"time":…,"code":…,"pointer":…,"op":…,"syscall":…,"errno":…,"path":…,"hint":…}\`; what does not apply is left out.
With \`--log FILE\` that line goes to the file, and the text to stderr as well.

krun exits with 1 when it fails itself, exec with 255 unless its command line cannot be read. Otherwise its status is the container's, or 128+n when signal n ended it.

| code | meaning |
|---|---|
${rows.join('\n')}
`;
}

function annotationsPage(): string {
  const rows = knownAnnotations.map(({ name, honoured, why }) => `| \`${name}\` | ${honoured ? 'yes' : 'no'} | ${cell(why)} |`);
  return `${made}# Annotations

Annotations reach config.json from people who may not choose what a container may do. krun honours few, none of which names anything of
the host; all others change nothing. The state shows them all, and hooks are told them.

| annotation | honoured | |
|---|---|---|
${rows.join('\n')}
`;
}

function flagsPage(): string {
  const names = (Object.keys(commandTable) as CommandName[]).filter((name) => !describeCommand(name).hidden);
  return `${made}# Flags

\`--flag value\`, \`--flag=value\`, \`-flag value\` and \`-f value\` are the same; a switch is \`--flag\` or \`--flag=false\`. Flags may stand after
arguments (not so in \`kill\`). Global flags stand before the command, or after it where the command has none of that name.

## Global

${flagRows(flagsOf(null))}

${names.map(commandSection).join('\n\n')}
`;
}

function commandSection(name: CommandName): string {
  const { help, arguments: names } = describeCommand(name);
  const flags = flagsOf(name).filter(({ hidden }) => !hidden);
  const usage = `## ${name}\n\n\`krun ${`${name} ${names}`.trim()}\`: ${help}`;
  return flags.length === 0 ? usage : `${usage}\n\n${flagRows(flags)}`;
}

function flagRows(flags: readonly Flag[]): string {
  const shown = flags.filter(({ hidden }) => !hidden);
  return ['| flag | default | |', '|---|---|---|', ...shown.map(flagRow)].join('\n');
}

function flagRow({ name, alias = [], value, choices, type, default: byDefault, help }: Flag): string {
  const names = [...alias.map((letter) => `-${letter}`), `--${name}`].join(', ');
  const argument = type === 'boolean' ? '' : ` ${choices?.join('|') ?? value ?? 'VALUE'}`;
  return `| \`${cell(names + argument)}\` | ${byDefault ?? ''} | ${cell(help)} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (import.meta.main) {
  const folder = new URL('../docs/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of generateDocs()) writeFileSync(new URL(name, folder), content);
}

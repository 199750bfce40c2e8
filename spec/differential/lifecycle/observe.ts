// What of a runtime's output its callers rely on: words in errors, keys and types in JSON. All else may differ.
import type { Bundle } from '../../support/bundle.ts';

/** What engines match on (REFERENCE.md A4), and what says which state was in the way. */
const words: readonly RegExp[] = [
  /container does not exist/,
  /container not running/,
  /container with given ID already exists/,
  /container not paused/,
  /cannot start a container that has stopped/,
  /cannot start an already running container/,
  /that is not stopped: \w+/,
  /cannot exec in a (paused|stopped) container/,
  /exec: "[^"]*": executable file not found in \$PATH/,
  /permission denied/i,
  /(?<!memory\.events: )no such file or directory/i, // runc warns where there is no memory controller
  /invalid (container )?id format/i,
  /unknown signal/,
  /cannot allocate tty if \w+ will detach without setting console socket/,
];

export function wordsIn(stderr: string): string[] {
  const text = stderr.replaceAll('\\"', '"'); // a log line quotes it
  const found = words.flatMap((word) => word.exec(text)?.[0].replace(/if \w+ will/, 'if we will') ?? []);
  return found.length === 0 ? [] : [`says ${found.join(', ')}`];
}

/** JSON as keys and types, a table as its columns; other text as it is, without the ids of this run. */
export function shapeOf(stdout: string, { id, path }: Bundle): string {
  const [first = ''] = stdout.split('\n');
  if (/^\s*[[{]|^null$/.test(first))
    return stdout
      .trim()
      .split(/\n(?=\{)/)
      .map((text) => describe(JSON.parse(text)))
      .join('\n');
  if (/\bPID\b/.test(first)) return `columns ${first.trim().split(/\s+/).join(' ')}, ${stdout.trim().split('\n').length - 1} rows`;
  if (first.startsWith('Incorrect Usage')) return 'usage';
  const lines = stdout.replaceAll(path, 'BUNDLE').replaceAll(id, 'ID').split('\n');
  return JSON.stringify(lines.sort().join('\n').trim()); // crun lists as the directory has it
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}: ${describe(inner)}`)
    .sort()
    .join(', ')}}`;
}

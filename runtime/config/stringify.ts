import type { Config } from './config.ts';

/** A configuration as JSON, indented by tabs as runc's; bigints keep all of their digits. */
export function stringifyConfig(config: Config): string {
  return write(config, '\n');
}

/** Any value as JSON in one line; bigints keep all of their digits. */
export function stringifyPrecisely(value: unknown): string {
  return write(value, '');
}

// JSON.stringify refuses bigints, and its replacer could only make strings of them. `line`: what begins a line at this depth.
function write(value: unknown, line: string): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = line === '' ? '' : `${line}\t`;
  if (Array.isArray(value))
    return enclose(
      value.map((item) => write(item, inner)),
      '[]',
      line,
      inner,
    );
  const colon = line === '' ? ':' : ': ';
  const members: string[] = [];
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) members.push(`${JSON.stringify(name)}${colon}${write(member, inner)}`);
  return enclose(members, '{}', line, inner);
}

function enclose(parts: readonly string[], brackets: string, line: string, inner: string): string {
  return parts.length === 0 ? brackets : `${brackets[0]}${inner}${parts.join(`,${inner}`)}${line}${brackets[1]}`;
}

// Typed looks into parsed flags; the table in flags.ts says which type a flag has.
import type { FlagName } from './flags.ts';
import type { FlagValues } from './parse.ts';

export function isSet(flags: FlagValues, name: FlagName): boolean {
  return flags.get(name) === true;
}

export function textOf(flags: FlagValues, name: FlagName): string | null {
  const value = flags.get(name);
  return typeof value === 'string' ? value : null;
}

export function numberOf(flags: FlagValues, name: FlagName): number {
  const value = flags.get(name);
  return typeof value === 'number' ? value : 0;
}

export function listOf(flags: FlagValues, name: FlagName): readonly string[] {
  const value = flags.get(name);
  return Array.isArray(value) ? value : [];
}

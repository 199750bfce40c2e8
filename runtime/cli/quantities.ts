// Values of flags that have a syntax of their own.
import { usageError } from './parse.ts';

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as Go writes it (1m30s, 500ms, 1.5h) in milliseconds, at least 1; throws E_USAGE. */
export function parseDuration(text: string, flag: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw usageError(`invalid value "${text}" for --${flag}: must be a duration`, 'such as 5s, 500ms or 1m30s');
  const total = parts.reduce((sum, [, number = '', unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0);
  if (total <= 0) throw usageError(`invalid value "${text}" for --${flag}: must be greater than 0`);
  if (total > longest) throw usageError(`invalid value "${text}" for --${flag}: must be at most 24 days`);
  return Math.max(1, Math.round(total));
}

// poll(2) takes milliseconds as an int.
const longest = 2 ** 31 - 1;

const powers: Readonly<Record<string, bigint>> = { '': 0n, b: 0n, k: 10n, m: 20n, g: 30n, t: 40n, p: 50n };

/** Bytes as docker and runc write them: 512m, 1.5g, 64KiB (all of them powers of 1024), -1; throws E_USAGE. */
export function parseBytes(text: string, flag: string): bigint {
  if (text === '-1') return -1n;
  const [, whole = '', fraction = '', unit = ''] = /^(\d+)(?:\.(\d{1,9}))? ?([bkmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  const power = powers[unit.toLowerCase()];
  if (whole === '' || power === undefined)
    throw usageError(
      `invalid value "${text}" for --${flag}: must be a number of bytes`,
      'such as 536870912, 512m, 1.5g, or -1 for no limit',
    );
  const scale = 1n << power;
  return BigInt(whole) * scale + (BigInt(fraction === '' ? 0 : fraction) * scale) / 10n ** BigInt(fraction.length);
}

/** A whole number of any size; throws E_USAGE. */
export function parseInteger(text: string, flag: string): bigint {
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  throw usageError(`invalid value "${text}" for --${flag}: must be a whole number`);
}

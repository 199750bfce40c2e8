// The 512 bytes that each entry of a tar archive begins with: v7, POSIX ustar (POSIX.1-2024 pax, "ustar Interchange Format"), GNU tar
// (its manual, "Basic Tar Format") and star. Text is bytes: one char for each.
import { KrunError } from '../../errors/krun-error.ts';

export const blockLength = 512;

/** What stands in a header; what extended headers (pax) say counts before it. Sizes are bytes, `seconds` since 1970. */
export interface TarHeader {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: string;
  readonly target: string;
  readonly major: number;
  readonly minor: number;
}

/** Null for a block of zeros, which ends an archive. E_LAYER for what is no header. */
export function readTarHeader(block: Buffer): TarHeader | null {
  if (!hasChecksum(block)) {
    if (block.every((byte) => byte === 0)) return null;
    throw new KrunError('E_LAYER', 'the archive is damaged: the checksum of a header is wrong', { hint });
  }
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    path: prefix(block) + text(block, 0, 100),
    mode: number(block, 100, 8, 'mode'),
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    seconds: number(block, 136, 12, 'mtime'),
    type: type === '\0' ? '0' : type,
    target: text(block, 157, 100),
    major: isDevice(type) ? number(block, 329, 8, 'devmajor') : 0,
    minor: isDevice(type) ? number(block, 337, 8, 'devminor') : 0,
  };
}

/** A number of a header: octal digits, or GNU's base 256, whose first bit is set. */
export function number(block: Buffer, start: number, length: number, name: string): number {
  const value = ((block[start] ?? 0) & 0x80) === 0 ? octal(block, start, start + length) : base256(block.subarray(start, start + length));
  if (Number.isSafeInteger(value)) return value;
  throw new KrunError('E_LAYER', `the archive is damaged: ${name} of a header is no number`, { hint });
}

/** Up to the first NUL. */
export function text(block: Buffer, start: number, length: number): string {
  const field = block.toString('latin1', start, start + length);
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}

export const hint = 'fetch the layer again; if it is the same then, whoever made it must make it anew';

// Old archives have the sum of signed chars.
function hasChecksum(block: Buffer): boolean {
  let unsigned = 8 * 32;
  let negative = 0;
  for (let at = 0; at < blockLength; at++) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    unsigned += byte;
    if (byte > 127) negative++;
  }
  const sum = octal(block, 148, 156);
  return sum === unsigned || sum === unsigned - 256 * negative;
}

// Spaces before, a space or NUL after; nothing at all is 0. NaN for what is none.
function octal(block: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (block[at] === 32 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at] ?? 0;
    if (byte === 32 || byte === 0) break;
    if (byte < 48 || byte > 55) return Number.NaN;
    value = value * 8 + byte - 48;
  }
  return value;
}

// Two's complement; the first bit says only that it is base 256.
function base256(field: Buffer): number {
  const [first = 0, ...rest] = field;
  const isNegative = (first & 0x40) !== 0;
  let value = BigInt(isNegative ? (first & 0x7f) - 0x80 : first & 0x7f);
  for (const byte of rest) value = value * 256n + BigInt(byte);
  return Number(value);
}

// GNU tar and v7 have other things there; star's last field is the end of a shorter one.
function prefix(block: Buffer): string {
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return '';
  const directory = text(block, 345, block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155);
  return directory === '' ? '' : `${directory}/`;
}

function isDevice(type: string): boolean {
  return type === '3' || type === '4';
}

// Entries as a tar archive in the POSIX pax format: what fits into an ustar header stands there, all else in an extended one.
import { paxRecord } from './pax-records.ts';
import type { EntryKind, TarEntry } from './tar-entry.ts';
import { blockLength } from './tar-header.ts';

const types: Readonly<Record<EntryKind, string>> = {
  file: '0',
  'hard link': '1',
  symlink: '2',
  'character device': '3',
  'block device': '4',
  directory: '5',
  fifo: '6',
};

/** The headers of an entry; its content follows, then `padding`. A directory's path ends in a slash. The same entry gives the same bytes. */
export function tarHeaders(entry: TarEntry): Buffer {
  const pax: Buffer[] = [];
  const extend = (key: string, value: string): void => void pax.push(paxRecord(key, Buffer.from(value, 'latin1')));
  const field = splitPath(entry.path);
  if (field === null) extend('path', entry.path);
  if (entry.target.length > 100 || !isAscii(entry.target)) extend('linkpath', entry.target);
  if (entry.size > largest(12)) extend('size', String(entry.size));
  for (const key of ['uid', 'gid'] as const) if (entry[key] > largest(8)) extend(key, String(entry[key]));
  if (entry.nanoseconds !== 0 || entry.seconds < 0 || entry.seconds > largest(12)) extend('mtime', decimal(entry));
  for (const key of ['major', 'minor'] as const) if (entry[key] > largest(8)) extend(`SCHILY.dev${key}`, String(entry[key]));
  for (const { name, value } of [...entry.xattrs].sort(byName))
    pax.push(paxRecord(`SCHILY.xattr.${name.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value));
  const header = ustar(entry, field ?? { prefix: '', name: entry.path.slice(0, 100) });
  return pax.length === 0 ? header : Buffer.concat([extended(Buffer.concat(pax)), header]);
}

/** Zeros up to the next block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockLength - (size % blockLength)) % blockLength);
}

/** What ends an archive. */
export const endOfArchive = Buffer.alloc(2 * blockLength);

function extended(records: Buffer): Buffer {
  const entry = { path: 'PaxHeaders/x', mode: 0o644, uid: 0, gid: 0, size: records.length, seconds: 0, target: '', major: 0, minor: 0 };
  return Buffer.concat([block({ ...entry, type: 'x', prefix: '', name: entry.path }), records, padding(records.length)]);
}

function ustar(entry: TarEntry, path: { readonly prefix: string; readonly name: string }): Buffer {
  return block({ ...entry, ...path, type: types[entry.kind], size: entry.kind === 'file' ? entry.size : 0 });
}

interface Fields extends Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'size' | 'seconds' | 'target' | 'major' | 'minor'> {
  readonly prefix: string;
  readonly name: string;
  readonly type: string;
}

// A number that does not fit is 0 here: the extended header has it.
function block(fields: Fields): Buffer {
  const bytes = Buffer.alloc(blockLength);
  const octal = (value: number, at: number, length: number): void => {
    const fits = value >= 0 && value <= largest(length);
    bytes.write((fits ? value : 0).toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  bytes.write(fields.name, 0, 100, 'latin1');
  octal(fields.mode, 100, 8);
  octal(fields.uid, 108, 8);
  octal(fields.gid, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.seconds, 136, 12);
  bytes.write(fields.type, 156, 'latin1');
  bytes.write(fields.target.slice(0, 100), 157, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(fields.major, 329, 8);
  octal(fields.minor, 337, 8);
  bytes.write(fields.prefix, 345, 155, 'latin1');
  const sum = bytes.reduce((total, byte) => total + byte, 8 * 32);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

function largest(length: number): number {
  return 8 ** (length - 1) - 1;
}

// Null: it needs an extended header, as all names do that are not ASCII.
function splitPath(path: string): { readonly prefix: string; readonly name: string } | null {
  if (!isAscii(path)) return null;
  if (path.length <= 100) return { prefix: '', name: path };
  const slash = path.lastIndexOf('/', 155);
  const at = path.slice(0, -1).lastIndexOf('/', 155);
  const cut = slash === path.length - 1 ? at : slash;
  if (cut <= 0 || path.length - cut - 1 > 100) return null;
  return { prefix: path.slice(0, cut), name: path.slice(cut + 1) };
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is asked for
  return /^[\x00-\x7f]*$/.test(text);
}

function decimal({ seconds, nanoseconds }: TarEntry): string {
  const isNegative = seconds < 0;
  const [whole, part] = isNegative && nanoseconds > 0 ? [-seconds - 1, 1e9 - nanoseconds] : [Math.abs(seconds), nanoseconds];
  const decimals = part === 0 ? '' : `.${String(part).padStart(9, '0').replace(/0+$/, '')}`;
  return `${isNegative ? '-' : ''}${whole}${decimals}`;
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}

// One entry, when all its headers have been read. Paths and names are bytes: one char for each, as Buffer's latin1.
import { KrunError } from '../../errors/krun-error.ts';
import { type PaxRecord, paxInteger, paxTime } from './pax-records.ts';
import type { Extent } from './sparse.ts';
import type { TarHeader } from './tar-header.ts';

export type EntryKind = 'file' | 'directory' | 'hard link' | 'symlink' | 'character device' | 'block device' | 'fifo';

/** Attributes as in struct stat; `size` is the file's, of which a sparse one's archive holds less. */
export interface TarEntry {
  readonly kind: EntryKind;
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: readonly Xattr[];
}

export interface Xattr {
  readonly name: string;
  readonly value: Buffer;
}

/** How the data behind an entry's headers lies: bytes in the archive, and where they belong in a file; null: all of it, from 0. */
export interface StoredData {
  readonly stored: number;
  readonly extents: readonly Extent[] | null;
}

const kinds: Readonly<Record<string, EntryKind>> = {
  0: 'file',
  1: 'hard link',
  2: 'symlink',
  3: 'character device',
  4: 'block device',
  5: 'directory',
  6: 'fifo',
  7: 'file',
  S: 'file',
  D: 'directory', // GNU's incremental backups: the data is a list of names
};

const xattrPrefix = 'SCHILY.xattr.';

/** Records that come later count; an empty value takes an earlier one back. */
export function tarEntry(header: TarHeader, records: readonly PaxRecord[], size: number): TarEntry {
  const pax = new Map(records);
  const kind = kinds[header.type];
  const path = textOf(pax, 'GNU.sparse.name') ?? textOf(pax, 'path') ?? header.path;
  if (kind === undefined)
    throw new KrunError('E_LAYER', `the archive has an entry of an unknown type: ${JSON.stringify(header.type)}`, { path: path });
  return {
    kind: kind === 'file' && path.endsWith('/') ? 'directory' : kind,
    path,
    target: textOf(pax, 'linkpath') ?? header.target,
    mode: header.mode & 0o7777,
    uid: integerOf(pax, 'uid') ?? header.uid,
    gid: integerOf(pax, 'gid') ?? header.gid,
    size,
    ...(bytesOf(pax, 'mtime') === undefined
      ? { seconds: header.seconds, nanoseconds: 0 }
      : paxTime('mtime', pax.get('mtime') ?? Buffer.of())),
    major: integerOf(pax, 'SCHILY.devmajor') ?? header.major,
    minor: integerOf(pax, 'SCHILY.devminor') ?? header.minor,
    xattrs: xattrsOf(pax),
  };
}

/** The bytes behind the headers; links, nodes and directories have none, whatever their header says (as in GNU tar and Go). */
export function hasData(type: string): boolean {
  return !'123456'.includes(type);
}

export function integerOf(pax: ReadonlyMap<string, Buffer>, key: string): number | undefined {
  const value = bytesOf(pax, key);
  return value === undefined ? undefined : paxInteger(key, value);
}

function textOf(pax: ReadonlyMap<string, Buffer>, key: string): string | undefined {
  return bytesOf(pax, key)?.toString('latin1');
}

function bytesOf(pax: ReadonlyMap<string, Buffer>, key: string): Buffer | undefined {
  const value = pax.get(key);
  return value?.length === 0 ? undefined : value;
}

// GNU tar writes = and % of a name as %3D and %25. A value may be empty.
function xattrsOf(pax: ReadonlyMap<string, Buffer>): readonly Xattr[] {
  const xattrs: Xattr[] = [];
  for (const [key, value] of pax) {
    if (!key.startsWith(xattrPrefix)) continue;
    const name = key.slice(xattrPrefix.length).replaceAll('%3D', '=').replaceAll('%25', '%');
    if (name === '' || name.includes('\0')) throw new KrunError('E_LAYER', 'the archive names an extended attribute that cannot be');
    xattrs.push({ name, value });
  }
  return xattrs;
}

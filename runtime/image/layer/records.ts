// What dist/layer reads and writes: native/record.h has the same. u32 type, u32 length of the body, body, all little-endian.
import type { Xattr } from './tar-entry.ts';

export const recordType = { end: 0, directory: 1, file: 2, hardLink: 3, symlink: 4, node: 5, attributes: 6, data: 7 } as const;
export type RecordType = (typeof recordType)[keyof typeof recordType];

/** replace: remove what is there; keep: leave it as it is; seen: a further name of an entry that was told before. */
export const recordFlag = { replace: 1, keep: 2, seen: 4 } as const;

/** Instead of a uid: the owner stays who makes it. */
export const keepOwner = 0xffffffff;

/** Path and target are bytes, one char for each; `mode` is with the kind of file, as in st_mode. */
export interface TreeRecord {
  readonly type: RecordType;
  readonly flags: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly size: number;
  /** Reading: the same for all names of an entry that has several, else 0. */
  readonly inode: number;
  readonly path: string;
  readonly target: string;
  readonly xattrs: readonly TreeXattr[];
}

export interface TreeXattr extends Xattr {
  /** A refusal is a warning only. */
  readonly isOptional: boolean;
}

export interface RecordWriter {
  readonly record: (record: TreeRecord) => void;
  /** The last record's file, from an offset on. */
  readonly data: (bytes: Buffer, offset: number) => void;
  readonly end: () => void;
  /** All that was written since the last time; the pieces are not written to again. */
  readonly take: () => Buffer[];
}

const pageLength = 1 << 16;
const largestData = 1 << 20;
const copied = 1 << 13; // smaller content is gathered, larger goes as it is

export function recordWriter(): RecordWriter {
  let pieces: Buffer[] = [];
  let page = Buffer.allocUnsafeSlow(pageLength);
  let start = 0;
  let at = 0;
  return { record, data, end, take };

  function record(entry: TreeRecord): void {
    reserve(8 + 72 + 8 + entry.path.length + entry.target.length + 2 + entry.xattrs.reduce((sum, xattr) => sum + lengthOf(xattr), 0));
    const header = at;
    at = page.writeUInt32LE(entry.type, at) + 4;
    for (const value of [entry.flags, entry.mode, entry.uid, entry.gid, entry.major, entry.minor, entry.nanoseconds, entry.xattrs.length])
      at = page.writeUInt32LE(value, at);
    for (const value of [entry.seconds, entry.size, entry.inode]) at = page.writeBigInt64LE(BigInt(value), at);
    text(entry.path);
    text(entry.target);
    for (const { name, value, isOptional } of entry.xattrs) {
      at = page.writeUInt32LE(isOptional ? 1 : 0, at);
      text(name);
      at = page.writeUInt32LE(value.length, at);
      at += value.copy(page, at);
    }
    page.writeUInt32LE(at - header - 8, header + 4);
  }

  function data(bytes: Buffer, offset: number): void {
    if (bytes.length > largestData) {
      for (let at = 0; at < bytes.length; at += largestData) data(bytes.subarray(at, at + largestData), offset + at);
      return;
    }
    reserve(16 + (bytes.length > copied ? 0 : bytes.length));
    at = page.writeUInt32LE(recordType.data, at);
    at = page.writeUInt32LE(8 + bytes.length, at);
    at = page.writeBigInt64LE(BigInt(offset), at);
    if (bytes.length <= copied) at += bytes.copy(page, at);
    else {
      flush();
      pieces.push(bytes);
    }
  }

  function end(): void {
    reserve(8);
    at = page.writeUInt32LE(0, page.writeUInt32LE(recordType.end, at));
  }

  function take(): Buffer[] {
    flush();
    const taken = pieces;
    pieces = [];
    return taken;
  }

  function text(value: string): void {
    at = page.writeUInt32LE(value.length + 1, at);
    at += page.write(value, at, 'latin1');
    page[at++] = 0;
  }

  function flush(): void {
    if (at > start) pieces.push(page.subarray(start, at));
    start = at;
  }

  function reserve(length: number): void {
    if (at + length <= page.length) return;
    flush();
    page = Buffer.allocUnsafeSlow(Math.max(pageLength, length));
    start = at = 0;
  }
}

function lengthOf({ name, value }: TreeXattr): number {
  return 12 + name.length + 1 + value.length;
}

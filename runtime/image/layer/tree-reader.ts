// What dist/layer tells of a directory, as it comes.
import { KrunError } from '../../errors/krun-error.ts';
import { recordType, type TreeRecord } from './records.ts';

export interface TreeListener {
  readonly onEntry: (entry: TreeRecord) => void;
  /** The last entry's content, in order and without holes. */
  readonly onData: (bytes: Buffer) => void;
}

export interface TreeReader {
  readonly push: (chunk: Buffer) => void;
  /** Whether all was told. */
  readonly isComplete: () => boolean;
}

const headerLength = 8;
const offsetLength = 8;

export function treeReader({ onEntry, onData }: TreeListener): TreeReader {
  let rest: Buffer = Buffer.of();
  let isComplete = false;
  return { push, isComplete: () => isComplete };

  function push(chunk: Buffer): void {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= headerLength) {
      const end = at + headerLength + bytes.readUInt32LE(at + 4);
      if (end > bytes.length) break;
      take(bytes.readUInt32LE(at), bytes.subarray(at + headerLength, end));
      at = end;
    }
    rest = bytes.subarray(at);
  }

  function take(type: number, body: Buffer): void {
    if (type === recordType.end) isComplete = true;
    else if (type === recordType.data) onData(body.subarray(offsetLength));
    else if (type === recordType.file) onEntry(decodeEntry(body));
    else throw new KrunError('E_INTERNAL', `a record of an unknown type: ${type}`);
  }
}

function decodeEntry(body: Buffer): TreeRecord {
  let at = 0;
  const u32 = (): number => {
    at += 4;
    return body.readUInt32LE(at - 4);
  };
  const i64 = (): number => {
    at += 8;
    return Number(body.readBigInt64LE(at - 8));
  };
  const bytes = (length: number): Buffer => {
    at += length;
    return body.subarray(at - length, at);
  };
  const text = (): string => bytes(u32()).toString('latin1').slice(0, -1);
  const [flags, mode, uid, gid, major, minor, nanoseconds, count] = [u32(), u32(), u32(), u32(), u32(), u32(), u32(), u32()];
  const [seconds, size, inode] = [i64(), i64(), i64()];
  const [path, target] = [text(), text()];
  const xattrs = Array.from({ length: count }, () => ({ isOptional: u32() !== 0, name: text(), value: Buffer.from(bytes(u32())) }));
  return { type: recordType.file, flags, mode, uid, gid, major, minor, nanoseconds, seconds, size, inode, path, target, xattrs };
}

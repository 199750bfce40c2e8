// A tar archive, read as it comes: no more is kept than one header.
import { KrunError } from '../../errors/krun-error.ts';
import { type PaxRecord, readPaxRecords } from './pax-records.ts';
import { checkExtents, type Extent, paxExtents, readGnuExtents, readGnuRealSize, sparseMapReader, tooLarge } from './sparse.ts';
import { hasData, integerOf, type TarEntry, tarEntry } from './tar-entry.ts';
import { blockLength, hint, readTarHeader, type TarHeader } from './tar-header.ts';

export interface TarListener {
  readonly onEntry: (entry: TarEntry) => void;
  /** A piece of the last entry's content, which is not to be changed, and where in the file it belongs. Holes are left out. */
  readonly onData: (bytes: Buffer, offset: number) => void;
}

export interface TarReader {
  /** Calls the listener for all that is complete. E_LAYER for what is no archive, E_LAYER_LIMIT for what could fill the memory. */
  readonly push: (chunk: Buffer) => void;
  /** E_LAYER if the archive ends too soon. */
  readonly end: () => void;
}

const largestExtension = 1 << 20; // bytes of an extended header or a long name, as in Go's archive/tar

// What the next bytes are: `take` gets them whole, or content as it comes.
type Expected =
  | { readonly what: 'whole'; readonly length: number; readonly take: (bytes: Buffer) => Expected }
  | { readonly what: 'content'; readonly length: number; readonly next: Expected }
  | { readonly what: 'nothing'; readonly length: number; readonly next: Expected }
  | { readonly what: 'rest' };

export function tarReader({ onEntry, onData }: TarListener): TarReader {
  let globals: readonly PaxRecord[] = [];
  let locals: PaxRecord[] = [];
  let extents: readonly Extent[] | null = null;
  let done = 0; // bytes of the content, as stored
  let extent = 0;
  const header: Expected = { what: 'whole', length: blockLength, take: takeHeader };
  const last: Expected = { what: 'whole', length: blockLength, take: takeLast };
  let expected: Expected = header;
  let left = blockLength;
  let held: Buffer[] = [];
  let inEntry = false;
  return { push, end };

  function push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (expected.what === 'rest') return;
      const piece = chunk.subarray(at, at + left);
      at += piece.length;
      left -= piece.length;
      if (expected.what === 'content') tell(piece);
      if (expected.what === 'whole' && (left > 0 || held.length > 0)) held.push(piece);
      if (left > 0) continue;
      expect(expected.what === 'whole' ? expected.take(whole(piece)) : expected.next);
    }
  }

  function end(): void {
    const isBetween = expected === header ? !inEntry : expected === last;
    if (expected.what === 'rest' || (isBetween && left === blockLength)) return;
    throw new KrunError('E_LAYER', 'the archive ends in the middle of an entry', { hint });
  }

  function expect(next: Expected): void {
    expected = next;
    left = next.what === 'rest' ? 0 : next.length;
  }

  function whole(piece: Buffer): Buffer {
    if (held.length === 0) return piece;
    const bytes = Buffer.concat(held);
    held = [];
    return bytes;
  }

  // A block of zeros ends the archive; what stands behind it is padding.
  function takeHeader(block: Buffer): Expected {
    const found = readTarHeader(block);
    if (found === null) return inEntry ? lone() : last;
    switch (found.type) {
      case 'x':
      case 'X':
        return extension(found, (bytes) => locals.push(...readPaxRecords(bytes)));
      case 'g':
        return extension(found, takeGlobals, false);
      case 'L':
        return extension(found, (bytes) => locals.push(['path', untilNul(bytes)]));
      case 'K':
        return extension(found, (bytes) => locals.push(['linkpath', untilNul(bytes)]));
      case 'V':
        return skip(found.size, header); // a volume's label
      case 'S':
        return takeSparse(found, Buffer.from(block));
    }
    return takeEntry(found);
  }

  function takeLast(block: Buffer): Expected {
    return readTarHeader(block) === null ? { what: 'rest' } : lone();
  }

  function lone(): never {
    throw new KrunError('E_LAYER', 'the archive is damaged: a block of zeros stands between its entries', { hint });
  }

  function extension({ size }: TarHeader, take: (bytes: Buffer) => void, isLocal = true): Expected {
    if (size > largestExtension)
      throw new KrunError('E_LAYER_LIMIT', `an extended header of the archive is larger than ${largestExtension} bytes`, { hint });
    if (size < 0) throw negative();
    if (isLocal) inEntry = true;
    const taken = (bytes: Buffer): Expected => {
      take(bytes);
      return header;
    };
    const next: Expected = { what: 'whole', length: padded(size), take: (bytes) => taken(Buffer.from(bytes.subarray(0, size))) };
    return size === 0 ? header : next;
  }

  // What names one entry cannot be meant for all.
  function takeGlobals(bytes: Buffer): void {
    const records = readPaxRecords(bytes).filter(([key]) => !['path', 'linkpath', 'size'].includes(key) && !key.startsWith('GNU.sparse.'));
    globals = [...new Map([...globals, ...records])];
  }

  function takeEntry(found: TarHeader): Expected {
    const pax = new Map(locals);
    const stored = hasData(found.type) ? (integerOf(pax, 'size') ?? found.size) : 0;
    if (stored < 0) throw negative();
    const major = integerOf(pax, 'GNU.sparse.major');
    if (found.type !== '0' && found.type !== '7') return begin(found, stored, stored, null);
    if (major === 1) return takeMap(found, stored, integerOf(pax, 'GNU.sparse.realsize') ?? stored);
    if (major !== undefined && major !== 0)
      throw new KrunError('E_LAYER', `the archive has a sparse file of an unknown format: ${major}`, { hint });
    const map = paxExtents(locals);
    return begin(
      found,
      stored,
      map === null ? stored : (integerOf(pax, 'GNU.sparse.size') ?? integerOf(pax, 'GNU.sparse.realsize') ?? stored),
      map,
    );
  }

  // The map ends in the block that has its last line: not one block more may be read.
  function takeMap(found: TarHeader, stored: number, size: number): Expected {
    const takeLines = sparseMapReader();
    let length = 0;
    const take = (block: Buffer): Expected => {
      const map = takeLines(block);
      length += blockLength;
      if (map !== null) return begin(found, Math.max(0, stored - length), size, map);
      if (length >= stored) throw new KrunError('E_LAYER', 'the archive is damaged: the map of a sparse file is wrong', { hint });
      return { what: 'whole', length: blockLength, take };
    };
    return { what: 'whole', length: blockLength, take };
  }

  function takeSparse(found: TarHeader, block: Buffer): Expected {
    const size = integerOf(new Map(locals), 'GNU.sparse.realsize') ?? readGnuRealSize(block);
    const first = readGnuExtents(block, true);
    const all = [...first.extents];
    const finish = (): Expected => begin(found, integerOf(new Map(locals), 'size') ?? found.size, size, all);
    const takeMore = (more: Buffer): Expected => {
      const { extents: further, goesOn } = readGnuExtents(more, false);
      all.push(...further);
      if (all.length > 1 << 20) throw tooLarge();
      return goesOn ? { what: 'whole', length: blockLength, take: takeMore } : finish();
    };
    return first.goesOn ? { what: 'whole', length: blockLength, take: takeMore } : finish();
  }

  function begin(found: TarHeader, stored: number, size: number, map: readonly Extent[] | null): Expected {
    const entry = tarEntry(found, [...globals, ...locals], size);
    if (map !== null) checkExtents(map, stored, size);
    if (size < 0 || stored < 0) throw negative();
    onEntry(entry);
    locals = [];
    inEntry = false;
    extents = map;
    done = 0;
    extent = 0;
    const next = skip(padded(stored) - stored, header, true);
    if (stored === 0) return next;
    return entry.kind === 'file' ? { what: 'content', length: stored, next } : { what: 'nothing', length: stored, next };
  }

  function tell(piece: Buffer): void {
    if (extents === null) {
      onData(piece, done);
      done += piece.length;
      return;
    }
    for (let at = 0; at < piece.length; ) {
      const { offset, length } = extents[extent] ?? { offset: 0, length: 0 };
      const part = piece.subarray(at, at + length - done);
      if (part.length > 0) onData(part, offset + done);
      at += part.length;
      done += part.length;
      if (done === length) [extent, done] = [extent + 1, 0];
    }
  }
}

function skip(size: number, next: Expected, isExact = false): Expected {
  if (size < 0) throw negative();
  const length = isExact ? size : padded(size);
  return length === 0 ? next : { what: 'nothing', length, next };
}

function padded(size: number): number {
  return Math.ceil(size / blockLength) * blockLength;
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function negative(): KrunError {
  return new KrunError('E_LAYER', 'the archive is damaged: an entry has a negative size', { hint });
}

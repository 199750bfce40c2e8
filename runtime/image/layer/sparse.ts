// Files with holes: GNU tar's manual, "Storing Sparse Files": the old GNU format, and PAX 0.0, 0.1 and 1.0.
import { KrunError } from '../../errors/krun-error.ts';
import { type PaxRecord, paxInteger } from './pax-records.ts';
import { hint, number } from './tar-header.ts';

/** Where data belongs in the file, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

const largestMap = 1 << 20; // extents

/** The extents in an old GNU header (from 386, four) or in the block behind it (from 0, 21), and whether a further block follows. */
export function readGnuExtents(block: Buffer, isHeader: boolean): { readonly extents: readonly Extent[]; readonly goesOn: boolean } {
  const [start, count, flag] = isHeader ? [386, 4, 482] : [0, 21, 504];
  const extents: Extent[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + index * 24;
    if (block[at + 12] === 0) break;
    extents.push({ offset: number(block, at, 12, 'a sparse offset'), length: number(block, at + 12, 12, 'a sparse length') });
  }
  return { extents, goesOn: block[flag] !== 0 };
}

/** The old GNU header's size of the whole file. */
export function readGnuRealSize(block: Buffer): number {
  return number(block, 483, 12, 'realsize');
}

/** The map of a PAX 0.0 or 0.1 header; null if there is none. */
export function paxExtents(records: readonly PaxRecord[]): readonly Extent[] | null {
  const map = records.findLast(([key]) => key === 'GNU.sparse.map');
  if (map !== undefined) return pairs(map[1].toString('latin1').split(',').filter(Boolean).map(decimal));
  const numbers = records.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes');
  if (numbers.length > 0) return pairs(numbers.map(([key, value]) => paxInteger(key, value)));
  return records.some(([key]) => key === 'GNU.sparse.numblocks') ? [] : null;
}

/** For the map of a PAX 1.0 file, which begins its data: the count and the pairs, a line each. Given a block, it returns null if there is more. */
export function sparseMapReader(): (block: Buffer) => readonly Extent[] | null {
  const numbers: number[] = [];
  let begun = '';
  return (block) => {
    const lines = (begun + block.toString('latin1')).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) {
      if (numbers.length > (numbers[0] ?? 0) * 2) break;
      numbers.push(decimal(line));
    }
    if ((numbers[0] ?? 0) > largestMap) throw tooLarge();
    const [count, ...rest] = numbers.length > (numbers[0] ?? Number.POSITIVE_INFINITY) * 2 ? numbers : [];
    if (count !== undefined) return pairs(rest);
    if (begun.length > 15) throw damaged();
    return null;
  };
}

/** E_LAYER unless extents are in order, inside the file, and as long together as what is stored. */
export function checkExtents(extents: readonly Extent[], stored: number, size: number): void {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of extents) {
    if (length < 0 || offset < end || offset + length > size) throw damaged();
    end = offset + length;
    sum += length;
  }
  if (sum !== stored) throw damaged();
}

export function tooLarge(): KrunError {
  return new KrunError('E_LAYER_LIMIT', 'the map of a sparse file has too many pieces', { hint });
}

function pairs(numbers: readonly number[]): readonly Extent[] {
  if (numbers.length % 2 !== 0) throw damaged();
  if (numbers.length > largestMap * 2) throw tooLarge();
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: numbers[2 * index] ?? 0,
    length: numbers[2 * index + 1] ?? 0,
  }));
}

function decimal(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw damaged();
  return Number(text);
}

function damaged(): KrunError {
  return new KrunError('E_LAYER', 'the archive is damaged: the map of a sparse file is wrong', { hint });
}

// Where the frames of a zstd stream end (RFC 8878, 3.1): Node 24's decompressor stops behind the first, and layers made for lazy pulling
// (zstd:chunked) or by several threads (pzstd) have many, and skippable ones.
import { KrunError } from '../../errors/krun-error.ts';
import { hint } from './tar-header.ts';

export interface ZstdFrames {
  /** Cuts a chunk: pieces of frames, of which the last of each frame says so. Skippable frames are left out. E_LAYER for what is no zstd. */
  readonly push: (chunk: Buffer) => readonly FramePiece[];
  /** E_LAYER if the stream ends within a frame. */
  readonly end: () => void;
}

export interface FramePiece {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

// Headers are gathered whole (and belong to the frame); `pass` goes through as it comes.
type Part =
  | { readonly what: 'magic' | 'descriptor' | 'header' | 'block' | 'skippable'; readonly length: number }
  | { readonly what: 'pass'; readonly length: number; readonly next: Part | 'frame end' }
  | { readonly what: 'skip'; readonly length: number };

const magic: Part = { what: 'magic', length: 4 };
const blockHeader: Part = { what: 'block', length: 3 };

export function zstdFrames(): ZstdFrames {
  let part: Part = magic;
  let held: Buffer = Buffer.of();
  let left = magic.length;
  let hasChecksum = false;
  let begun: Buffer = Buffer.of(); // of a header that is not whole
  let pieces: FramePiece[] = [];
  return { push, end };

  function push(chunk: Buffer): readonly FramePiece[] {
    pieces = [];
    for (let at = 0; at < chunk.length; ) {
      const bytes = chunk.subarray(at, at + left);
      at += bytes.length;
      left -= bytes.length;
      if (part.what === 'pass') pass(bytes);
      else if (part.what !== 'skip') gather(bytes);
      if (left === 0) expect(following());
    }
    return pieces;
  }

  function end(): void {
    if (part !== magic || left !== magic.length) throw new KrunError('E_LAYER', 'the compressed layer ends too soon', { hint });
  }

  function pass(bytes: Buffer): void {
    const isLast = left === 0 && part.what === 'pass' && part.next === 'frame end';
    pieces.push({ bytes, isLast });
  }

  function gather(bytes: Buffer): void {
    begun = begun.length === 0 ? bytes : Buffer.concat([begun, bytes]);
    if (left === 0) [held, begun] = [begun, Buffer.of()];
  }

  function following(): Part {
    switch (part.what) {
      case 'magic':
        return takeMagic(held.readUInt32LE());
      case 'skippable':
        return held.readUInt32LE() === 0 ? magic : { what: 'skip', length: held.readUInt32LE() };
      case 'skip':
        return magic;
      case 'descriptor':
        return takeDescriptor(held[0] ?? 0);
      case 'header':
        return tell(held, blockHeader);
      case 'block':
        return takeBlock(held.readUIntLE(0, 3));
      case 'pass':
        return part.next === 'frame end' ? magic : part.next;
    }
  }

  function takeMagic(number: number): Part {
    if (number >= 0x184d2a50 && number <= 0x184d2a5f) return { what: 'skippable', length: 4 };
    if (number !== 0xfd2fb528)
      throw new KrunError('E_LAYER', 'the compressed layer is damaged: a zstd frame begins with something else', { hint });
    return tell(held, { what: 'descriptor', length: 1 });
  }

  // 3.1.1.1: what else is in the header, and whether a checksum follows.
  function takeDescriptor(descriptor: number): Part {
    const isSingle = (descriptor & 0x20) !== 0;
    const sizes = [isSingle ? 1 : 0, 2, 4, 8];
    const rest = (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0) + (sizes[descriptor >> 6] ?? 0);
    hasChecksum = (descriptor & 4) !== 0;
    return tell(held, rest === 0 ? blockHeader : { what: 'header', length: rest });
  }

  // 3.1.1.2: an RLE block holds one byte, whatever its size says.
  function takeBlock(header: number): Part {
    const isLast = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    if (type === 3) throw new KrunError('E_LAYER', 'the compressed layer is damaged: a zstd block is of no type', { hint });
    const length = (type === 1 ? 1 : header >> 3) + (isLast && hasChecksum ? 4 : 0);
    if (length > 0) return tell(held, { what: 'pass', length, next: isLast ? 'frame end' : blockHeader });
    pieces.push({ bytes: held, isLast });
    return isLast ? magic : blockHeader;
  }

  function tell(bytes: Buffer, next: Part): Part {
    pieces.push({ bytes, isLast: false });
    return next;
  }

  function expect(next: Part): void {
    part = next;
    left = next.length;
  }
}

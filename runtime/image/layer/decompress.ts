// A layer's bytes as a tar archive, whatever it is compressed by: that is told by its first bytes, not by its media type, which may lie.
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { KrunError } from '../../errors/krun-error.ts';
import { hint } from './tar-header.ts';
import { type FramePiece, zstdFrames } from './zstd-frames.ts';

const chunkSize = 1 << 18;
const smallFrame = 1 << 16; // bytes, compressed

/** Uncompressed chunks. `counted` is told how many bytes went in. E_LAYER for what is damaged, or compressed by what the image-spec lacks. */
export async function* decompress(source: Readable, counted: (length: number) => void): AsyncGenerator<Buffer> {
  const chunks = buffers(source, counted);
  const first = await beginning(chunks);
  const all = rejoin(first, chunks);
  const kind = compressionOf(first);
  if (kind === 'gzip') yield* through(createGunzip({ chunkSize }), all);
  else if (kind === 'zstd') yield* throughZstd(all);
  else yield* all;
}

function compressionOf(bytes: Buffer): 'gzip' | 'zstd' | 'none' {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  const magic = bytes.length < 4 ? 0 : bytes.readUInt32LE();
  if (magic === 0xfd2fb528 || (magic >= 0x184d2a50 && magic <= 0x184d2a5f)) return 'zstd';
  const other = bytes.toString('latin1', 0, 3) === 'BZh' ? 'bzip2' : bytes.toString('latin1', 0, 6) === '\xfd7zXZ\0' ? 'xz' : null;
  if (other === null) return 'none';
  throw new KrunError('E_LAYER', `the layer is compressed by ${other}, which the image-spec does not have`, {
    hint: 'layers are gzip, zstd or plain tar: compress it anew',
  });
}

async function* buffers(source: Readable, counted: (length: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array);
    counted(bytes.length);
    yield bytes;
  }
}

// Enough to see what it is.
async function beginning(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.of();
  while (first.length < 6) {
    const { value, done } = await chunks.next();
    if (done) break;
    first = first.length === 0 ? value : Buffer.concat([first, value]);
  }
  return first;
}

async function* rejoin(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* through(transform: Transform, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 4 });
  let failure: unknown;
  source.once('error', (error) => {
    failure = error;
    transform.destroy(error);
  });
  source.pipe(transform);
  try {
    for await (const chunk of transform) yield chunk;
  } catch (error) {
    throw failure ?? damaged(error);
  } finally {
    source.destroy();
    transform.destroy();
  }
}

// A decompressor for each frame; a small frame, of which there may be one for each file, at once.
async function* throughZstd(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const pieces = framePieces(chunks);
  for (;;) {
    const start = await smallStart(pieces);
    if (start === null) return;
    const whole = start.isWhole ? decompressSmall(start.bytes) : null;
    if (whole !== null) yield whole;
    else
      yield* through(
        createZstdDecompress({ chunkSize }),
        start.isWhole ? rejoin(start.bytes, nothing()) : restOfFrame(start.bytes, pieces),
      );
  }
}

async function* framePieces(chunks: AsyncGenerator<Buffer>): AsyncGenerator<FramePiece> {
  const frames = zstdFrames();
  for await (const chunk of chunks) yield* frames.push(chunk);
  frames.end();
}

async function smallStart(pieces: AsyncGenerator<FramePiece>): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean } | null> {
  const gathered: Buffer[] = [];
  for (let length = 0; length < smallFrame; ) {
    const { value, done } = await pieces.next();
    if (done) return null; // its end was checked
    gathered.push(value.bytes);
    length += value.bytes.length;
    if (value.isLast) return { bytes: Buffer.concat(gathered), isWhole: true };
  }
  return { bytes: Buffer.concat(gathered), isWhole: false };
}

async function* restOfFrame(start: Buffer, pieces: AsyncGenerator<FramePiece>): AsyncGenerator<Buffer> {
  yield start;
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) return;
    yield value.bytes;
    if (value.isLast) return;
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

// Null: it becomes too large for that.
function decompressSmall(frame: Buffer): Buffer | null {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: 1 << 20 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw damaged(error);
  }
}

function damaged(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.name === 'AbortError' || !('errno' in cause)) return cause;
  return new KrunError('E_LAYER', `the compressed layer is damaged: ${cause.message}`, { cause, hint });
}

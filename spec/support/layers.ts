// Archives made for tests, and what unpacking them gives.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { type DiffOptions, diffLayer, type WrittenLayer } from '../../runtime/image/layer/diff.ts';
import type { EntryKind, TarEntry } from '../../runtime/image/layer/tar-entry.ts';
import { endOfArchive, padding, tarHeaders } from '../../runtime/image/layer/tar-writer.ts';
import { type UnpackOptions, unpackLayer } from '../../runtime/image/layer/unpack.ts';

const manifestProgram = fileURLToPath(new URL('tree-manifest.py', import.meta.url));

export type Entry = Partial<TarEntry> & { readonly kind: EntryKind; readonly path: string; readonly content?: string | Buffer };

/** What mode, owner, times, device and so on are where a test does not say. */
export const plainEntry = { target: '', mode: 0o644, uid: 0, gid: 0, seconds: 1, nanoseconds: 0, major: 0, minor: 0, xattrs: [] };

export function headersOf({ content = '', ...entry }: Entry): Buffer {
  return tarHeaders({ ...plainEntry, size: Buffer.byteLength(content), ...entry });
}

export function archive(...entries: readonly Entry[]): Buffer {
  const pieces = entries.flatMap((entry) => [
    headersOf(entry),
    Buffer.from(entry.content ?? ''),
    padding(Buffer.byteLength(entry.content ?? '')),
  ]);
  return Buffer.concat([...pieces, endOfArchive]);
}

/** A header with other bytes at a place, and the checksum that they need. */
export function changed(header: Buffer, at: number, bytes: string): Buffer {
  const copy = Buffer.from(header);
  copy.write(bytes, at, 'latin1');
  copy.write('        ', 148, 'latin1');
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-layer-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** In pieces, as from a network. */
export function streamOf(bytes: Buffer, pieceLength = 65536): Readable {
  const count = Math.ceil(bytes.length / pieceLength);
  return Readable.from(Array.from({ length: count }, (_, index) => bytes.subarray(index * pieceLength, (index + 1) * pieceLength)));
}

/** The failure's code, or 'unpacked'; anything but a KrunError is thrown. */
export async function outcomeOf(bytes: Buffer, directory: string, options: UnpackOptions = {}): Promise<string> {
  return unpackLayer(streamOf(bytes), directory, options).then(
    () => 'unpacked',
    (error: unknown) => {
      if (error instanceof KrunError) return error.code;
      throw error;
    },
  );
}

export async function diffOf(directory: string, options?: DiffOptions): Promise<WrittenLayer & { readonly bytes: Buffer }> {
  const pieces: Buffer[] = [];
  const out = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece);
      done();
    },
  });
  const written = await diffLayer(directory, out, options);
  return { ...written, bytes: Buffer.concat(pieces) };
}

export type Manifest = Readonly<Record<string, { readonly [key: string]: unknown }>>;

/** Path (bytes as chars) → mode, owner, mtime, xattrs, target, device, size, digest, and the first of a file's names. */
export async function manifestOf(directory: string): Promise<Manifest> {
  const { stdout } = await execa('python3', [manifestProgram, directory]);
  return JSON.parse(stdout) as Manifest;
}

/** What GNU tar makes of an archive. */
export async function gnuUnpack(bytes: Buffer, directory: string): Promise<void> {
  await execa('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-pxf', '-', '-C', directory], { input: bytes });
}

// A layer of an image becomes a directory.
import { createHash } from 'node:crypto';
import { readdir, statfs } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { KrunError } from '../../errors/krun-error.ts';
import { decompress } from './decompress.ts';
import { explainTreeReport, warningOf } from './explain-tree.ts';
import type { IdMapping } from './id-map.ts';
import { layerWriter } from './layer-writer.ts';
import { recordWriter } from './records.ts';
import { tarReader } from './tar-reader.ts';
import { startTreeProgram, type TreeProgram, type TreeReport } from './tree-program.ts';

export interface UnpackOptions {
  /** Whose ids the archive's become on disk. Without maps: the same for root; for others all becomes their own. */
  readonly uidMap?: readonly IdMapping[];
  readonly gidMap?: readonly IdMapping[];
  readonly limits?: Partial<UnpackLimits>;
  readonly signal?: AbortSignal;
}

export interface UnpackLimits {
  /** Bytes, uncompressed. Default: 95 % of what is free on the file system. */
  readonly size: bigint;
  /** Default: 95 % of the free inodes, 10 million at most. */
  readonly entries: number;
  /** Bytes out for each byte in, counted from the first GiB on. Default 1100: gzip cannot do more. */
  readonly ratio: number;
  /** Devices. Default 1024. */
  readonly devices: number;
}

export interface UnpackedLayer {
  /** sha256:… of the uncompressed archive, to be compared with the image config's /rootfs/diff_ids. */
  readonly diffId: string;
  /** Bytes, uncompressed. */
  readonly size: bigint;
  /** Without the headers that belong to others. */
  readonly entries: number;
  /** What could not be kept, one line each: extended attributes that the file system refuses, devices for who is not root. */
  readonly warnings: readonly string[];
}

const ratioFrom = 2 ** 30;

/**
 * Unpacks one layer (tar, plain or compressed by gzip or zstd) into an empty directory, which is then what overlayfs takes as a lower
 * one: whiteouts are devices 0:0, opaque directories have trusted.overlay.opaque (user.overlay.opaque for who is not root: mount with
 * userxattr). Nothing outside of it is touched, whatever the archive says. When it fails, the directory is emptied.
 * Throws E_LAYER (no archive, damaged, cut off), E_LAYER_UNSAFE (leads outside, or through links), E_LAYER_LIMIT, E_LAYER_ID,
 * E_LAYER_WRITE (the file system refuses), E_FILE (no such directory, or not empty), or the signal's reason.
 */
export async function unpackLayer(tar: Readable, directory: string, options: UnpackOptions = {}): Promise<UnpackedLayer> {
  options.signal?.throwIfAborted();
  const limits = await limitsFor(directory, options.limits); // E_FILE for what is not there
  // A failure empties it: what is another's must not be in it. What is no directory is refused when it is opened.
  if ((await readdir(directory).catch(() => [])).length > 0)
    throw new KrunError('E_FILE', `the directory ${JSON.stringify(directory)} is not empty`, { path: directory });
  const program = await startTreeProgram('unpack', directory);
  const abort = (): void => void tar.destroy(options.signal?.reason ?? new Error('aborted'));
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    return await unpack(tar, program, limits, options);
  } catch (error) {
    program.kill();
    tar.destroy();
    await program.ended.catch(() => undefined);
    await emptyTree(directory).catch(() => undefined); // the first failure counts
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

/** Removes all that is in a directory, whatever its modes. */
export async function emptyTree(directory: string): Promise<void> {
  throwFailure(await (await startTreeProgram('empty', directory)).ended);
}

async function unpack(tar: Readable, program: TreeProgram, limits: UnpackLimits, options: UnpackOptions): Promise<UnpackedLayer> {
  const isPrivileged = process.geteuid?.() === 0;
  const hash = createHash('sha256');
  const records = recordWriter();
  const layer = layerWriter(records, { uidMap: options.uidMap, gidMap: options.gidMap, isPrivileged, devices: limits.devices });
  const reader = tarReader({ onEntry, onData: layer.data });
  let entries = 0;
  let size = 0;
  let compressed = 0;
  let written: Promise<void> = Promise.resolve();
  try {
    for await (const chunk of decompress(tar, (length) => (compressed += length))) {
      size += chunk.length;
      checkSize();
      hash.update(chunk);
      reader.push(chunk);
      await written;
      written = program.write(records.take());
      written.catch(() => undefined); // awaited later
    }
    reader.end();
    layer.end();
    records.end();
    await written;
    await program.write(records.take());
  } catch (error) {
    if (!isBrokenPipe(error)) throw error;
  }
  const reports = await program.ended;
  throwFailure(reports);
  const warnings = [...layer.warnings, ...reports.map(warningOf)];
  return { diffId: `sha256:${hash.digest('hex')}`, size: BigInt(size), entries, warnings };

  function onEntry(entry: Parameters<typeof layer.entry>[0]): void {
    if (++entries > limits.entries) throw limit(`has more than ${limits.entries} entries`);
    layer.entry(entry);
  }

  function checkSize(): void {
    if (size > limits.size) throw limit(`is larger than ${limits.size} bytes`);
    if (size > ratioFrom && size > compressed * limits.ratio)
      throw limit(`is more than ${limits.ratio} times as large as it is compressed`);
  }
}

async function limitsFor(directory: string, given: Partial<UnpackLimits> = {}): Promise<UnpackLimits> {
  const { bavail, bsize, files, ffree } = await statfs(directory, { bigint: true }).catch((cause) => {
    throw new KrunError('E_FILE', `the directory ${JSON.stringify(directory)} cannot be opened: ${cause.message}`, {
      path: directory,
      cause,
    });
  });
  const free = Number((ffree * 95n) / 100n);
  return {
    size: (bavail * bsize * 95n) / 100n,
    entries: files === 0n ? 1e7 : Math.min(1e7, free), // btrfs counts no inodes
    ratio: 1100,
    devices: 1024,
    ...given,
  };
}

function limit(what: string): KrunError {
  return new KrunError('E_LAYER_LIMIT', `the layer ${what}`, {
    hint: 'make room on the file system, or raise the limit if the image is trusted',
  });
}

function throwFailure(reports: readonly TreeReport[]): void {
  const failure = reports.find(({ isFailure }) => isFailure);
  if (failure !== undefined) throw explainTreeReport(failure);
}

// The program has ended before it had all: it says why.
function isBrokenPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes(code);
}

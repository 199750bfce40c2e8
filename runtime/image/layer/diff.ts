// What a container, or a step of a build, has changed becomes a layer.
import { createHash } from 'node:crypto';
import { finished, PassThrough, type Writable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, createZstdCompress } from 'node:zlib';
import { KrunError } from '../../errors/krun-error.ts';
import { explainTreeReport } from './explain-tree.ts';
import { type IdMapping, idMapper, inverse } from './id-map.ts';
import { readable } from './layer-path.ts';
import { overlayPrefix } from './layer-writer.ts';
import { recordFlag, type TreeRecord } from './records.ts';
import type { EntryKind, TarEntry, Xattr } from './tar-entry.ts';
import { endOfArchive, padding, tarHeaders } from './tar-writer.ts';
import { startTreeProgram, type TreeProgram } from './tree-program.ts';
import { treeReader } from './tree-reader.ts';

export interface DiffOptions {
  /** Seconds since 1970: no time of the layer is later (SOURCE_DATE_EPOCH). */
  readonly sourceDateEpoch?: number;
  /** Default: none. */
  readonly compression?: 'gzip' | 'zstd' | 'none';
  /** As they were for unpacking; the layer has the ids of the inside. */
  readonly uidMap?: readonly IdMapping[];
  readonly gidMap?: readonly IdMapping[];
  readonly signal?: AbortSignal;
}

export interface WrittenLayer {
  /** sha256:… of the uncompressed archive. */
  readonly diffId: string;
  /** sha256:… and bytes of what was written. */
  readonly digest: string;
  readonly size: bigint;
  /** Bytes, uncompressed. */
  readonly uncompressedSize: bigint;
  readonly entries: number;
  /** What a layer cannot hold, one line each: sockets. */
  readonly warnings: readonly string[];
}

const whiteOut = 0o020000;
// By the kind of file in st_mode.
const kinds: ReadonlyMap<number, EntryKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o010000, 'fifo'],
]);

/**
 * Writes the upper directory of an overlay, which nobody may change meanwhile, as a layer (image-spec, layer.md), and ends `out`. The same
 * tree gives the same bytes: sorted by name, no names of users, only the time of the last change. Whiteouts and opaque directories become
 * `.wh.` names; what overlayfs has noted for itself is left out. Throws E_LAYER_DIFF (made with redirect_dir or metacopy, or changed
 * meanwhile), E_LAYER_ID, E_FILE, what `out` fails with, or the signal's reason.
 */
export async function diffLayer(upper: string, out: Writable, options: DiffOptions = {}): Promise<WrittenLayer> {
  options.signal?.throwIfAborted();
  const program = await startTreeProgram('read', upper);
  const abort = (): void => program.kill();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    return await diff(program, out, options);
  } catch (error) {
    program.kill();
    out.destroy();
    await program.ended.catch(() => undefined);
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

async function diff(program: TreeProgram, out: Writable, options: DiffOptions): Promise<WrittenLayer> {
  const sink = compressor(out, options.compression ?? 'none');
  const hash = createHash('sha256');
  let uncompressed = 0;
  let pieces: Buffer[] = [];
  const writer = entryWriter(options, (bytes) => pieces.push(bytes));
  const reader = treeReader({ onEntry: writer.entry, onData: writer.data });
  for await (const chunk of program.output) {
    reader.push(chunk as Buffer);
    await flush();
  }
  const failure = (await program.ended).find(({ isFailure }) => isFailure);
  if (failure !== undefined) throw changed(explainTreeReport(failure));
  if (!reader.isComplete()) throw new KrunError('E_LAYER_DIFF', 'the directory was not read to its end');
  writer.end();
  await flush();
  const { digest, size } = await sink.end();
  return {
    diffId: `sha256:${hash.digest('hex')}`,
    digest,
    size,
    uncompressedSize: BigInt(uncompressed),
    entries: writer.count(),
    warnings: writer.warnings,
  };

  async function flush(): Promise<void> {
    if (pieces.length === 0) return;
    const bytes = Buffer.concat(pieces);
    pieces = [];
    hash.update(bytes);
    uncompressed += bytes.length;
    await sink.write(bytes);
  }
}

interface EntryWriter {
  readonly entry: (found: TreeRecord) => void;
  readonly data: (bytes: Buffer) => void;
  readonly end: () => void;
  readonly count: () => number;
  readonly warnings: readonly string[];
}

function entryWriter(options: DiffOptions, write: (bytes: Buffer) => void): EntryWriter {
  const names = new Map<number, string>(); // the first of each file that has several
  const warnings: string[] = [];
  const uid = idMapper('uid', inverse(options.uidMap), true);
  const gid = idMapper('gid', inverse(options.gidMap), true);
  let count = 0;
  let pad: Buffer = Buffer.of();
  return { entry, data: write, end, count: () => count, warnings };

  // The padding of a file comes with what follows it.
  function entry(found: TreeRecord): void {
    finishFile();
    refuseForeign(found);
    const kind = kinds.get(found.mode & 0o170000);
    const first = (found.flags & recordFlag.seen) !== 0 ? names.get(found.inode) : undefined;
    if (kind === undefined) warnings.push(`${readable(found.path)}: a socket, which no archive can hold, was left out`);
    else if (isWhiteout(found)) put(whiteout(found));
    else if (first !== undefined) put({ ...attributes(found, 'hard link'), target: first, size: 0, xattrs: [] });
    else putFirst(found, kind);
  }

  function putFirst(found: TreeRecord, kind: EntryKind): void {
    if (found.inode !== 0) names.set(found.inode, found.path);
    if (found.path !== '') put(attributes(found, kind));
    if (kind === 'file') pad = padding(found.size);
    if (kind === 'directory' && isOpaque(found)) put({ ...plainFile(found), path: inDirectory(found.path, '.wh..wh..opq') });
  }

  function put(found: TarEntry): void {
    count++;
    write(tarHeaders(found));
  }

  function finishFile(): void {
    if (pad.length > 0) write(pad);
    pad = Buffer.of();
  }

  function end(): void {
    finishFile();
    write(endOfArchive);
  }

  function attributes(found: TreeRecord, kind: EntryKind): TarEntry {
    const isLate = options.sourceDateEpoch !== undefined && found.seconds >= options.sourceDateEpoch;
    return {
      kind,
      path: kind === 'directory' ? `${found.path}/` : found.path,
      target: found.target,
      mode: found.mode & 0o7777,
      uid: uid(found.uid, found.path),
      gid: gid(found.gid, found.path),
      size: found.size,
      seconds: isLate ? (options.sourceDateEpoch ?? 0) : found.seconds,
      nanoseconds: isLate ? 0 : found.nanoseconds,
      major: kind.endsWith('device') ? found.major : 0,
      minor: kind.endsWith('device') ? found.minor : 0,
      xattrs: found.xattrs.flatMap(layerXattr),
    };
  }

  function plainFile(found: TreeRecord): TarEntry {
    return { ...attributes(found, 'file'), mode: 0, size: 0, xattrs: [] };
  }

  function whiteout(found: TreeRecord): TarEntry {
    const slash = found.path.lastIndexOf('/') + 1;
    return { ...plainFile(found), path: `${found.path.slice(0, slash)}.wh.${found.path.slice(slash)}` };
  }
}

// The name behind overlayfs' prefix, or null for what is not its own.
function overlayName(name: string): string | null {
  const prefix = overlayPrefix(process.geteuid?.() === 0);
  return name.startsWith(prefix) ? name.slice(prefix.length) : null;
}

// A device 0:0, or (Linux 6.7) an empty file that says so.
function isWhiteout({ mode, major, minor, xattrs }: TreeRecord): boolean {
  const isDevice = (mode & 0o170000) === whiteOut && major === 0 && minor === 0;
  return isDevice || xattrs.some(({ name }) => overlayName(name) === 'whiteout');
}

function isOpaque({ xattrs }: TreeRecord): boolean {
  return xattrs.some(({ name, value }) => overlayName(name) === 'opaque' && value.toString('latin1') === 'y');
}

// What overlayfs escapes (6.7) was the container's own; its other notes are not.
function layerXattr({ name, value }: Xattr): readonly Xattr[] {
  const rest = overlayName(name);
  if (name === 'security.selinux') return []; // the host's label
  if (rest === null) return [{ name, value }];
  return rest.startsWith('overlay.') ? [{ name: name.slice(0, -rest.length) + rest.slice('overlay.'.length), value }] : [];
}

// Content that is elsewhere is not in the directory.
function refuseForeign({ path, xattrs }: TreeRecord): void {
  const foreign = xattrs.find(({ name }) => ['redirect', 'metacopy'].includes(overlayName(name) ?? ''));
  if (foreign === undefined) return;
  throw new KrunError('E_LAYER_DIFF', `${readable(path)} has its content in another layer: ${foreign.name}`, {
    path: readable(path),
    hint: 'mount the overlay with redirect_dir=off,metacopy=off, as krun does',
  });
}

function inDirectory(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

interface Sink {
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly end: () => Promise<{ readonly digest: string; readonly size: bigint }>;
}

// Counts and digests what arrives at `out`.
function compressor(out: Writable, compression: 'gzip' | 'zstd' | 'none'): Sink {
  const hash = createHash('sha256');
  let size = 0;
  const first =
    compression === 'gzip' ? createGzip() : compression === 'zstd' ? createZstdCompress() : new PassThrough({ highWaterMark: 1 << 18 });
  first.on('data', (bytes: Buffer) => {
    hash.update(bytes);
    size += bytes.length;
  });
  first.once('error', (error) => out.destroy(error));
  const over = promisify(finished)(out, { readable: false });
  over.catch(() => first.destroy());
  first.pipe(out);
  const written = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => first.write(bytes, (error) => (error ? reject(error) : resolve())));
  return {
    write: (bytes) => Promise.race([written(bytes), over]).catch((error) => over.then(() => Promise.reject(error))),
    end: async () => {
      first.end();
      await over;
      return { digest: `sha256:${hash.digest('hex')}`, size: BigInt(size) };
    },
  };
}

function changed(error: KrunError): KrunError {
  return new KrunError('E_LAYER_DIFF', error.message, { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) });
}

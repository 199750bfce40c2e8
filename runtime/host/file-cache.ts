// What has been made of a file, kept as long as the file is provably the same. Only a resident supervisor keeps anything: one that lives
// for a call reads each file once.
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';

interface Entry {
  readonly status: BigIntStats;
  readonly value: unknown;
}

const mostEntries = 256;
/** What is made of a larger file is not kept: all that is kept is bounded. In bytes. */
const mostBytes = 256 * 1024;
/** Two changes within one tick of the kernel's clock have one time: a file that was young when it was read proves nothing. In milliseconds. */
const settled = 50n;

const entries = new Map<string, Entry>();
let onOddFile: (() => never) | null = null;
let [hits, misses] = [0, 0];

/**
 * What `make` makes of a file's content. Kept: as long as device, inode, size and both times (in nanoseconds) are the same.
 * Throws as readFileSync and `make` do.
 */
export function fromFile<T>(path: string, make: (content: Uint8Array) => T): T {
  if (onOddFile === null) return make(readFileSync(path));
  const entry = entries.get(path);
  if (entry !== undefined && isSame(entry.status, statSync(path, { bigint: true }))) {
    hits++;
    return entry.value as T;
  }
  misses++;
  return readAndKeep(path, make, onOddFile);
}

/** From now on files are kept. What is no regular file could make the reader wait: `odd` throws instead. */
export function keepFiles(odd: () => never): void {
  onOddFile = odd;
}

export function cacheCounts(): { readonly cacheHits: number; readonly cacheMisses: number } {
  return { cacheHits: hits, cacheMisses: misses };
}

function readAndKeep<T>(path: string, make: (content: Uint8Array) => T, odd: () => never): T {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a fifo must not hold up everybody
  try {
    const now = BigInt(Date.now());
    const status = fstatSync(descriptor, { bigint: true });
    if (!status.isFile()) odd();
    const content = readFileSync(descriptor);
    const value = make(content);
    entries.delete(path);
    if (content.length <= mostBytes && BigInt(content.length) === status.size && now - status.ctimeMs > settled)
      keep(path, { status, value });
    return value;
  } finally {
    closeSync(descriptor);
  }
}

function keep(path: string, entry: Entry): void {
  const [oldest] = entries.keys();
  if (entries.size >= mostEntries && oldest !== undefined) entries.delete(oldest);
  entries.set(path, entry);
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

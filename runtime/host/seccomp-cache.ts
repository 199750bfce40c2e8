import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { decodeCacheEntry, encodeCacheEntry, type SeccompCacheKey } from '../plan/seccomp/cache-entry.ts';
import type { CompiledSeccomp } from '../plan/seccomp/compile.ts';

// A filter from the cache is a container's confinement: whoever writes there decides it. Hence directory and entries must belong to the
// caller and be writable by nobody else, and neither may be a symbolic link. The cache is a convenience all the same: whatever is wrong
// with it, the profile is compiled.

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The compiled profile kept under a key; undefined if there is none that can be trusted. */
export function readCachedSeccomp(directory: string, key: SeccompCacheKey): CompiledSeccomp | undefined {
  try {
    if (!isOurs(lstatSync(directory), 'directory')) return undefined;
    const entry = readOwnFile(join(directory, key.name));
    return entry && decodeCacheEntry(key, entry);
  } catch (error) {
    return ignoreSystemError(error);
  }
}

/** Keep a compiled profile; false if that is not possible. The directory is made (0700), its parent must exist. */
export function writeCachedSeccomp(directory: string, key: SeccompCacheKey, compiled: CompiledSeccomp): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') return ignoreSystemError(error) ?? false;
  }
  try {
    if (!isOurs(lstatSync(directory), 'directory')) return false;
    replaceFile(join(directory, key.name), encodeCacheEntry(key, compiled));
    return true;
  } catch (error) {
    return ignoreSystemError(error) ?? false;
  }
}

function readOwnFile(path: string): Uint8Array | undefined {
  // O_NONBLOCK: a fifo in the place of an entry must not hold the start up. libuv adds O_CLOEXEC.
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    return isOurs(fstatSync(descriptor), 'file') ? readFileSync(descriptor) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function replaceFile(path: string, content: Uint8Array): void {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') unlinkIfThere(temporary);
    throw error;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    ignoreSystemError(error);
  }
}

function isOurs(stats: Stats, kind: 'file' | 'directory'): boolean {
  const isKind = kind === 'file' ? stats.isFile() : stats.isDirectory();
  return isKind && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
}

// Only what the system refused is "no cache"; a mistake of ours must come to light.
function ignoreSystemError(error: unknown): undefined {
  if (errorCode(error) === undefined) throw error;
  return undefined;
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined;
}

// The store: an OCI image layout (image-layout.md), so that other tools can read it, and beside it what is made of the images.
//   oci-layout index.json blobs/<algorithm>/<hex>     the layout
//   ingest/<hex>     half a blob, to be gone on with      locks/     see lock.ts
//   layers/<chain id>/     unpacked layers (unpacked.ts)   containers/<id>/     what `run --image` prepares
// Everything appears under its name by rename, whole or not at all.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';
import type { Digest } from './descriptor.ts';
import { acquireLock, type LockMode } from './lock.ts';

export interface Store {
  readonly directory: string;
}

export interface StorePlace {
  readonly cwd: string;
  readonly uid: number;
  readonly env: ReadonlyMap<string, string>;
}

/** Where the images of this caller are: --storage, KRUN_STORAGE, /var/lib/krun, or krun below $XDG_DATA_HOME or ~/.local/share. */
export function storeDirectory({ cwd, uid, env }: StorePlace, given: string | null): string {
  const chosen = given ?? env.get('KRUN_STORAGE');
  if (chosen === '') throw new KrunError('E_USAGE', '--storage and KRUN_STORAGE must not be empty');
  if (chosen !== undefined) return resolve(cwd, chosen);
  if (uid === 0) return '/var/lib/krun';
  const data = env.get('XDG_DATA_HOME');
  if (data?.startsWith('/')) return join(data, 'krun');
  const home = env.get('HOME');
  if (home?.startsWith('/')) return join(home, '.local/share/krun');
  throw new KrunError('E_STORE', 'there is no place for images: neither XDG_DATA_HOME nor HOME is set', { hint: 'give --storage DIR' });
}

/** Makes what is missing; E_STORE where that cannot be, or something else is there. */
export function openStore(directory: string): Store {
  return storeAccess(directory, () => {
    const layout = join(directory, 'oci-layout');
    if (!existsSync(layout)) {
      for (const part of ['blobs/sha256', 'ingest', 'locks']) mkdirSync(join(directory, part), { recursive: true, mode: 0o700 });
      if (!existsSync(join(directory, 'index.json'))) replaceFile(join(directory, 'index.json'), emptyIndex);
      replaceFile(layout, '{"imageLayoutVersion":"1.0.0"}');
    }
    const version = (JSON.parse(readFileSync(layout, 'utf8')) as { imageLayoutVersion?: unknown }).imageLayoutVersion;
    if (version !== '1.0.0') throw new KrunError('E_STORE', `${layout} is of another version: ${String(version)}`);
    return { directory };
  });
}

/** Of these, `use` is shared by all who add or read, and exclusive to who removes; others guard one thing each. */
export function lockStore({ directory }: Store, name: string, mode: LockMode, waiting?: () => void): Promise<Disposable> {
  return acquireLock(join(directory, 'locks', name.replaceAll(/[^A-Za-z0-9._-]/g, '-')), mode, waiting);
}

export function blobPath({ directory }: Store, digest: Digest): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

/** Writes a file so that others see the old content or the new. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    writeFileSync(temporary, content, { mode: 0o600, flush: true, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** E_STORE for what the file system refuses. */
export function storeAccess<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof KrunError) throw cause;
    if (cause instanceof SyntaxError)
      throw new KrunError('E_STORE', `the image store in ${path} is damaged: a file is not JSON`, { cause });
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (!/^E[A-Z0-9]+$/.test(code)) throw cause;
    throw new KrunError('E_STORE', 'the image store cannot be used', { path, errno: code, cause, ...storeHint(code) });
  }
}

const emptyIndex = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

function storeHint(code: string): { readonly hint?: string } {
  if (code === 'ENOSPC' || code === 'EDQUOT') return { hint: 'make room: krun image prune removes what no image needs' };
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    ? { hint: 'choose another directory with --storage or KRUN_STORAGE' }
    : {};
}

// Garbage: what no image and no container needs. Nobody else may be at it: a pull brings blobs long before its image has a name.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasBlob } from './blobs.ts';
import type { Descriptor, Digest } from './descriptor.ts';
import { readAny } from './find-image.ts';
import { listImages } from './index-file.ts';
import { lockStore, type Store, storeAccess } from './store.ts';

export interface Collected {
  /** Paths in the store. */
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** Waits until nobody adds or reads. */
export async function collect(store: Store): Promise<Collected> {
  using _use = await lockStore(store, 'use', 'exclusive');
  const needed = await neededBlobs(store);
  const garbage = [
    ...listFiles(store, 'blobs/sha256').filter((path) => !needed.has(digestOfPath(path))),
    ...listFiles(store, 'blobs/sha512').filter((path) => !needed.has(digestOfPath(path))),
    ...listFiles(store, 'ingest'),
  ];
  return storeAccess(store.directory, () => {
    let bytes = 0;
    for (const path of garbage) {
      bytes += statSync(join(store.directory, path), { throwIfNoEntry: false })?.size ?? 0;
      rmSync(join(store.directory, path), { force: true });
    }
    return { removed: garbage, bytes };
  });
}

// A manifest that is missing or damaged names nothing: such an image is to be pulled again anyway.
async function neededBlobs(store: Store): Promise<ReadonlySet<Digest>> {
  const needed = new Set<Digest>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (needed.has(descriptor.digest)) return;
    needed.add(descriptor.digest);
    if (!hasBlob(store, descriptor)) return;
    const manifest = await readAny(store, descriptor).catch(() => null);
    if (manifest?.kind === 'index') for (const each of manifest.manifests) await visit(each);
    if (manifest?.kind === 'manifest') for (const { digest } of [manifest.config, ...manifest.layers]) needed.add(digest);
  };
  for (const { descriptor } of listImages(store)) await visit(descriptor);
  return needed;
}

function listFiles({ directory }: Store, folder: string): string[] {
  const path = join(directory, folder);
  return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : [];
}

function digestOfPath(path: string): Digest {
  return path.replace(/^blobs\/([^/]+)\//, '$1:') as Digest;
}

// Garbage: what no image and no container needs. Nobody else may be at it: a pull brings blobs long before its image has a name.
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasBlob, readBlob } from './blobs.ts';
import { type Descriptor, type Digest, digestOf } from './descriptor.ts';
import { readAny } from './find-image.ts';
import { chainIds, type ImageConfig, parseImageConfig } from './image-config.ts';
import { listImages } from './index-file.ts';
import { emptyTree } from './layer/unpack.ts';
import { largestDocument, mediaTypes } from './manifest.ts';
import { sweepContainers } from './prepare.ts';
import { blobPath, lockStore, type Store, storeAccess } from './store.ts';
import { layerDirectory } from './unpacked.ts';

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
  const layers = await unneededLayers(store, needed);
  for (const layer of layers) {
    await emptyTree(join(store.directory, layer));
    rmdirSync(join(store.directory, layer));
  }
  return storeAccess(store.directory, () => {
    let bytes = 0;
    for (const path of garbage) {
      bytes += statSync(join(store.directory, path), { throwIfNoEntry: false })?.size ?? 0;
      rmSync(join(store.directory, path), { recursive: true, force: true });
    }
    return { removed: [...garbage, ...layers], bytes };
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

// Needed are those of images, and those below a container that is still there. What an interrupted unpacking left has no such name.
async function unneededLayers(store: Store, blobs: ReadonlySet<Digest>): Promise<readonly string[]> {
  const below = await sweepContainers(store);
  const needed = new Set([...below].map((path) => basename(path)));
  for (const digest of blobs) {
    const path = blobPath(store, digest);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
    if (size > largestDocument) continue;
    const config = await readConfig(store, { digest, size });
    for (const chainId of config === null ? [] : chainIds(config.diffIds, digestOf)) needed.add(basename(layerDirectory(store, chainId)));
  }
  return listFiles(store, 'layers').filter((path) => !needed.has(basename(path)));
}

// Layers are small blobs at times, too: what is no configuration names no layer.
async function readConfig(store: Store, blob: Pick<Descriptor, 'digest' | 'size'>): Promise<ImageConfig | null> {
  try {
    return parseImageConfig(await readBlob(store, blob), mediaTypes.config);
  } catch {
    return null;
  }
}

function listFiles({ directory }: Store, folder: string): string[] {
  const path = join(directory, folder);
  return existsSync(path) ? readdirSync(path).map((name) => `${folder}/${name}`) : [];
}

function digestOfPath(path: string): Digest {
  return path.replace(/^blobs\/([^/]+)\//, '$1:') as Digest;
}

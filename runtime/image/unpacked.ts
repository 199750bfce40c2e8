// Unpacked layers: layers/<chain id> is what overlayfs takes as one lower directory; images that share layers share them on disk.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';
import { inParallel } from '../registry/pull.ts';
import { readBlobStream } from './blobs.ts';
import { type Digest, digestOf } from './descriptor.ts';
import type { Image } from './find-image.ts';
import { chainIds } from './image-config.ts';
import { emptyTree, unpackLayer } from './layer/unpack.ts';
import type { Progress } from './progress.ts';
import { lockStore, type Store } from './store.ts';

/** The directories of the image's layers, the base first; unpacked unless they are there. E_DIGEST when one is not what the image says. */
export async function unpackImage(store: Store, { manifest, config }: Image, progress: Progress): Promise<readonly string[]> {
  const chain = chainIds(config.diffIds, digestOf);
  const missing = chain.map((_, index) => index).filter((index) => !existsSync(layerDirectory(store, chain[index])));
  await inParallel(missing, atOnce, async (index, signal) => {
    const layer = manifest.layers[index];
    const [chainId, diffId] = [chain[index], config.diffIds[index]];
    if (layer === undefined || chainId === undefined || diffId === undefined)
      throw new KrunError('E_INTERNAL', 'a layer without a chain id');
    using _lock = await lockStore(store, `layer-${chainId}`, 'exclusive');
    const directory = layerDirectory(store, chainId);
    if (existsSync(directory)) return;
    progress.say(`unpacking ${layer.digest.slice(7, 19)}`);
    await unpackOne(readBlobStream(store, layer), directory, diffId, progress, signal);
  });
  return chain.map((chainId) => layerDirectory(store, chainId));
}

export function layerDirectory({ directory }: Store, chainId: Digest | undefined): string {
  return join(directory, 'layers', (chainId ?? '').replace(/^[^:]*:/, ''));
}

const atOnce = 2;

async function unpackOne(
  blob: ReturnType<typeof readBlobStream>,
  directory: string,
  diffId: Digest,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${directory}.${randomBytes(4).toString('hex')}.new`;
  mkdirSync(temporary, { recursive: true, mode: 0o755 });
  const unpacked = await unpackLayer(blob, temporary, { signal });
  for (const warning of unpacked.warnings) progress.say(warning);
  if (unpacked.diffId !== diffId) {
    await emptyTree(temporary);
    throw new KrunError('E_DIGEST', `a layer is not what the image says: its content is ${unpacked.diffId}, and was to be ${diffId}`);
  }
  renameSync(temporary, directory);
}

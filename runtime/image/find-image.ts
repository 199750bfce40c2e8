// From what a person writes to an image of the store, and to its parts.
import { nearestName } from '../config/nearest-name.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readBlob } from './blobs.ts';
import { type Descriptor, damaged, type Platform } from './descriptor.ts';
import { type ImageConfig, parseImageConfig } from './image-config.ts';
import { listImages, type StoredImage } from './index-file.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from './manifest.ts';
import { choosePlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Store } from './store.ts';

export interface Image {
  /** Of the manifest for one platform. */
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** By name, by digest, or by the first digits (at least 4) of a digest or image id. E_NO_IMAGE; E_USAGE when it could be several. */
export async function findImage(store: Store, text: string): Promise<StoredImage> {
  const images = listImages(store);
  const byDigits = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  if (byDigits !== undefined) {
    const found = await withDigits(store, images, byDigits);
    if (found !== null) return found;
  }
  const reference = parseReference(text);
  const { digest, ...named } = reference;
  const name = formatReference({ ...named, digest: null });
  const image =
    images.find((each) => (named.tag === null || each.name === name) && (digest === null || each.descriptor.digest === digest)) ??
    images.find((each) => digest !== null && each.name === formatReference(reference));
  if (image !== undefined) return image;
  const close = nearestName(
    name,
    images.flatMap((each) => each.name ?? []),
  );
  throw new KrunError('E_NO_IMAGE', `there is no image ${formatReference(reference)} in the store`, {
    hint: close === undefined ? `get it with: krun pull ${text}` : `did you mean ${close}? Otherwise: krun pull ${text}`,
  });
}

/** The whole name that a new image is to have. E_REFERENCE for one with a digest, which is not ours to choose. */
export function newName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== null) throw new KrunError('E_REFERENCE', `a name must have no digest: ${text}`);
  return formatReference(reference);
}

/** Reads the manifest for this platform and its configuration, and checks that they fit. */
export async function readImage(store: Store, descriptor: Descriptor, platform: Platform): Promise<Image> {
  const found = await readManifest(store, descriptor, platform);
  const config = parseImageConfig(await readBlob(store, found.manifest.config), found.manifest.config.mediaType);
  if (config.diffIds.length !== found.manifest.layers.length)
    throw damaged(`it has ${found.manifest.layers.length} layers, and its configuration tells of ${config.diffIds.length}`);
  return { ...found, config };
}

export async function readManifest(
  store: Store,
  descriptor: Descriptor,
  platform: Platform,
  depth = 0,
): Promise<{ readonly descriptor: Descriptor; readonly manifest: ImageManifest }> {
  const manifest = await readAny(store, descriptor);
  if (manifest.kind === 'manifest') return { descriptor, manifest };
  if (depth >= deepestIndex) throw damaged('its indexes are nested too deeply');
  return readManifest(store, choosePlatform(manifest.manifests, platform), platform, depth + 1);
}

export async function readAny(store: Store, descriptor: Descriptor): Promise<ImageManifest | ImageIndex> {
  return parseManifest(await readBlob(store, descriptor), descriptor.mediaType);
}

export const deepestIndex = 3;

async function withDigits(store: Store, images: readonly StoredImage[], digits: string): Promise<StoredImage | null> {
  const found: StoredImage[] = [];
  for (const image of images) {
    const ids = [image.descriptor.digest, await imageId(store, image)];
    if (ids.some((id) => id?.split(':')[1]?.startsWith(digits))) found.push(image);
  }
  const digests = new Set(found.map(({ descriptor }) => descriptor.digest));
  if (digests.size > 1) throw new KrunError('E_USAGE', `"${digits}" could be any of ${digests.size} images: write more of it`);
  return found[0] ?? null;
}

/** The digest of the configuration (docker's image id), null where there are several or none. */
export async function imageId(store: Store, { descriptor }: StoredImage): Promise<string | null> {
  try {
    const manifest = await readAny(store, descriptor);
    return manifest.kind === 'manifest' ? manifest.config.digest : null;
  } catch {
    return null;
  }
}

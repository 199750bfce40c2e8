// index.json: which images there are, by their whole names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Descriptor, readDescriptor, readObject } from './descriptor.ts';
import { lockStore, replaceFile, type Store, storeAccess } from './store.ts';

export interface StoredImage {
  /** The whole name, or null for what is known by its digest only. */
  readonly name: string | null;
  /** Of the manifest, or of an index. */
  readonly descriptor: Descriptor;
}

export function listImages(store: Store): readonly StoredImage[] {
  return storeAccess(store.directory, () => {
    const { manifests } = readObject(JSON.parse(readFileSync(indexPath(store), 'utf8')), 'index.json');
    if (!Array.isArray(manifests)) return [];
    return manifests.map((entry, index) => {
      const descriptor = readDescriptor(entry, `index.json#/manifests/${index}`);
      return { name: descriptor.annotations?.[refName] ?? null, descriptor };
    });
  });
}

/** Changes the list while nobody else does. */
export async function changeImages(store: Store, change: (images: readonly StoredImage[]) => readonly StoredImage[]): Promise<void> {
  using _lock = await lockStore(store, 'index', 'exclusive');
  const manifests = change(listImages(store)).map(({ name, descriptor }) => withName(descriptor, name));
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  storeAccess(store.directory, () => replaceFile(indexPath(store), JSON.stringify(index, null, 2)));
}

/** From now on the name means this image, and no other; null keeps it by its digest alone, unless it has a name. */
export async function nameImage(store: Store, name: string | null, descriptor: Descriptor): Promise<void> {
  const isSame = (image: StoredImage): boolean => image.descriptor.digest === descriptor.digest;
  await changeImages(store, (images) => {
    if (name === null) return images.some(isSame) ? images : [...images, { name, descriptor }];
    return [...images.filter((image) => image.name !== name && !(image.name === null && isSame(image))), { name, descriptor }];
  });
}

/** image-spec annotations.md; what skopeo and others select by. */
export const refName = 'org.opencontainers.image.ref.name';

function indexPath({ directory }: Store): string {
  return join(directory, 'index.json');
}

function withName({ mediaType, digest, size, platform, annotations = {} }: Descriptor, name: string | null): Descriptor {
  const { [refName]: _old, ...others } = annotations;
  const kept = name === null ? others : { ...others, [refName]: name };
  return { mediaType, digest, size, ...(platform && { platform }), ...(Object.keys(kept).length > 0 && { annotations: kept }) };
}

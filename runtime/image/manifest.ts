// Manifests and indexes: image-spec 1.1 (manifest.md, image-index.md) and Docker's schema 2, which say the same in other words.
import { type Descriptor, damaged, readDescriptor, readObject } from './descriptor.ts';

export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  /** The base first. */
  readonly layers: readonly Descriptor[];
  readonly subject: Descriptor | null;
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** What a registry is told that we take. */
export const acceptedManifests = [mediaTypes.index, mediaTypes.dockerList, mediaTypes.manifest, mediaTypes.dockerManifest].join(', ');

/** No document that is read whole may be larger; registries keep manifests of at least 4 MiB. */
export const largestDocument = 8 * 1024 * 1024;

/** E_IMAGE for what is neither. `mediaType`: what the descriptor or the registry says it is. */
export function parseManifest(content: Uint8Array, mediaType: string): ImageManifest | ImageIndex {
  const document = readObject(parseDocument(content), '');
  const own = document.mediaType;
  if (typeof own === 'string' && own !== '' && own !== mediaType) throw damaged(`it says that it is ${own}, and was to be ${mediaType}`);
  if (document.schemaVersion !== 2) throw damaged('schemaVersion must be 2 (older ones are not supported)');
  // CVE-2021-41190: what could be read both ways is nothing.
  if (isIndexType(mediaType)) {
    if (document.layers !== undefined || document.config !== undefined) throw damaged('an index must have neither layers nor config');
    return { kind: 'index', mediaType, manifests: readList(document.manifests, 'manifests') };
  }
  if (!isManifestType(mediaType)) throw damaged(`${mediaType} is neither a manifest nor an index`);
  if (document.manifests !== undefined) throw damaged('a manifest must have no manifests');
  return {
    kind: 'manifest',
    mediaType,
    config: readDescriptor(document.config, '/config'),
    layers: readList(document.layers, 'layers'),
    subject: document.subject === undefined || document.subject === null ? null : readDescriptor(document.subject, '/subject'),
  };
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

export type Compression = 'none' | 'gzip' | 'zstd';

/** How a layer is packed; null for what is no layer, such as an artifact's blob. */
export function compressionOf(mediaType: string): Compression | null {
  const oci = /^application\/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(gzip|zstd))?$/.exec(mediaType);
  if (oci !== null) return (oci[1] as Compression | undefined) ?? 'none';
  const docker = /^application\/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(gzip|zstd))?$/.exec(mediaType);
  return docker === null ? null : ((docker[1] as Compression | undefined) ?? 'none');
}

export function parseDocument(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    throw damaged('a document is not JSON');
  }
}

const mostEntries = 1000;

function readList(value: unknown, name: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw damaged(`/${name} must be a list`);
  if (value.length > mostEntries) throw damaged(`/${name} has more than ${mostEntries} entries`);
  return value.map((entry, index) => readDescriptor(entry, `/${name}/${index}`));
}

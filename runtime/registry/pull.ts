// From a registry into the store: manifests first, then what they name, several at a time.

import { KrunError } from '../errors/krun-error.ts';
import { ingestBlob, readBlob, writeBlob } from '../image/blobs.ts';
import type { Platform } from '../image/descriptor.ts';
import { algorithmOf, type Descriptor, damaged, digestOf } from '../image/descriptor.ts';
import { deepestIndex } from '../image/find-image.ts';
import { nameImage } from '../image/index-file.ts';
import { acceptedManifests, compressionOf, isIndexType, isManifestType, largestDocument, parseManifest } from '../image/manifest.ts';
import { choosePlatform } from '../image/platform.ts';
import type { Progress } from '../image/progress.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { lockStore, type Store } from '../image/store.ts';
import { type ClientOptions, connectRegistry, pathOf, type Registry } from './client.ts';
import { endpointsOf, type RegistrySettings } from './settings.ts';

export interface PullOptions {
  readonly settings: RegistrySettings;
  readonly credentials: ClientOptions['credentials'];
  readonly platform: Platform;
  readonly progress: Progress;
}

export interface Pulled {
  /** The whole name under which it is in the store. */
  readonly name: string;
  /** Of the manifest for the platform. */
  readonly descriptor: Descriptor;
}

/** Brings the image for one platform into the store and gives it its name. What an interrupted pull has left is gone on with. */
export async function pullImage(store: Store, reference: Reference, options: PullOptions): Promise<Pulled> {
  const { registry, root } = await findManifest(reference, options);
  using _use = await lockStore(store, 'use', 'shared');
  const descriptor = await resolvePlatform(store, registry, root, options.platform);
  await pullContents(store, registry, descriptor, options.progress);
  const name = formatReference(reference);
  await nameImage(store, name, descriptor);
  return { name, descriptor };
}

interface Document {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}

// A mirror that lacks the image, or cannot be reached, is passed over.
async function findManifest(
  reference: Reference,
  { settings, credentials, progress }: PullOptions,
): Promise<{ registry: Registry; root: Document }> {
  const endpoints = endpointsOf(reference.registry, settings);
  for (const [index, endpoint] of endpoints.entries()) {
    const registry = connectRegistry(endpoint, reference.repository, { credentials, actions: 'pull', say: progress.say });
    try {
      return { registry, root: await fetchManifest(registry, reference.digest ?? reference.tag ?? 'latest', null) };
    } catch (error) {
      if (index === endpoints.length - 1 || !(error instanceof KrunError)) throw error;
      progress.say(`${endpoint.registry}: ${error.message}; asking the next`);
    }
  }
  throw new KrunError('E_INTERNAL', 'a registry without an endpoint');
}

async function resolvePlatform(store: Store, registry: Registry, root: Document, platform: Platform): Promise<Descriptor> {
  let { descriptor, content } = root;
  for (let depth = 0; ; depth++) {
    const manifest = parseManifest(content, descriptor.mediaType);
    writeBlob(store, content);
    if (manifest.kind === 'manifest') return descriptor;
    if (depth >= deepestIndex) throw damaged('its indexes are nested too deeply');
    const chosen = choosePlatform(manifest.manifests, platform);
    ({ descriptor, content } = await fetchManifest(registry, chosen.digest, chosen));
  }
}

async function pullContents(store: Store, registry: Registry, descriptor: Descriptor, progress: Progress): Promise<void> {
  const manifest = parseManifest(await readBlob(store, descriptor), descriptor.mediaType);
  if (manifest.kind === 'index') throw damaged('an index was to be a manifest');
  if (manifest.config.size > largestDocument) throw damaged('its configuration is too large');
  for (const layer of manifest.layers)
    if (compressionOf(layer.mediaType) === null) throw damaged(`${layer.mediaType} is no layer of a container image`);
  const wanted = new Map([manifest.config, ...manifest.layers].map((each) => [each.digest, each]));
  await inParallel([...wanted.values()], atOnce, (each, signal) => pullBlob(store, registry, each, progress, signal));
}

const atOnce = 4;
const tries = 5;

// A transfer that is cut off is gone on with where it ended.
async function pullBlob(store: Store, registry: Registry, descriptor: Descriptor, progress: Progress, signal: AbortSignal): Promise<void> {
  const bar = progress.start(descriptor.digest, descriptor.size);
  for (let attempt = 1; ; attempt++) {
    try {
      await ingestBlob(store, descriptor, (offset) => fetchBlob(registry, descriptor, offset, signal), bar.advance);
      return bar.done();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === tries || !isCutOff(error)) throw error;
      bar.restart();
      progress.say(`${registry.endpoint.registry}: the transfer was cut off; going on with it`);
    }
  }
}

async function fetchBlob(registry: Registry, { digest, size }: Descriptor, offset: number, signal: AbortSignal) {
  const headers: Record<string, string> = {
    'accept-encoding': 'identity',
    ...(offset > 0 ? { range: `bytes=${offset}-${size - 1}` } : {}),
  };
  const response = await registry.require([200, 206], `the blob ${digest}`, pathOf(registry.repository, 'blobs', digest), {
    headers,
    signal,
  });
  const isPart = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true;
  if (response.status === 206 && !isPart)
    throw new KrunError('E_REGISTRY', `${registry.endpoint.registry} sends another part of ${digest} than was asked for`);
  return { from: isPart ? offset : 0, content: response.body ?? emptyBody() };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

// fetch says TypeError('terminated') when a body ends too soon.
function isCutOff(error: unknown): boolean {
  if (error instanceof KrunError) return error.code === 'E_REGISTRY' && /ended after/.test(error.message);
  return error instanceof TypeError;
}

/** `expected`: the descriptor by which it was found; null for the reference itself, whose digest then is what the content says. */
async function fetchManifest(registry: Registry, reference: string, expected: Descriptor | null): Promise<Document> {
  const path = pathOf(registry.repository, 'manifests', reference);
  const response = await registry.require([200], `the manifest ${reference}`, path, { headers: { accept: acceptedManifests } });
  const content = await readWhole(response, expected?.size ?? largestDocument);
  const digest = expected?.digest ?? (reference.includes(':') ? (reference as Descriptor['digest']) : digestOf(content));
  if (digestOf(content, algorithmOf(digest)) !== digest || (expected !== null && content.length !== expected.size))
    throw new KrunError('E_DIGEST', `what ${registry.endpoint.registry} sends is not the manifest ${digest}`, {
      hint: 'somebody on the way, or the registry, has changed it',
    });
  const mediaType = expected?.mediaType ?? mediaTypeOf(response, content);
  return { descriptor: { mediaType, digest, size: content.length }, content };
}

function mediaTypeOf(response: Response, content: Buffer): string {
  const told = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
  if (isIndexType(told) || isManifestType(told)) return told;
  const own: unknown = (JSON.parse(content.toString()) as { mediaType?: unknown }).mediaType;
  if (typeof own === 'string' && (isIndexType(own) || isManifestType(own))) return own;
  throw damaged(`${told || 'something without a media type'} is neither a manifest nor an index`);
}

async function readWhole(response: Response, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? emptyBody()) {
    length += part.length;
    if (length > limit) throw damaged(`a manifest is larger than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The first failure ends the others. */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  act: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  const queue = [...items];
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && !abort.signal.aborted; item = queue.shift()) await act(item, abort.signal);
  };
  const workers = Array.from({ length: Math.min(most, items.length) }, () =>
    work().catch((error: unknown) => {
      abort.abort();
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const first = failures.find((error) => !(error instanceof Error && error.name === 'AbortError')) ?? failures[0];
  if (first !== undefined) throw first;
}

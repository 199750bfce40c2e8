// From the store to a registry: blobs first, then the manifests that name them (distribution-spec, "Pushing manifests").
import { openAsBlob } from 'node:fs';
import { KrunError } from '../errors/krun-error.ts';
import { hasBlob, readBlob, readBlobStream } from '../image/blobs.ts';
import type { Descriptor, Digest } from '../image/descriptor.ts';
import { readAny } from '../image/find-image.ts';
import type { StoredImage } from '../image/index-file.ts';
import type { Progress } from '../image/progress.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import { blobPath, lockStore, type Store } from '../image/store.ts';
import { connectRegistry, pathOf, type Registry } from './client.ts';
import { inParallel, type PullOptions } from './pull.ts';
import { endpointsOf } from './settings.ts';

/** Sends an image, all platforms of it that the store holds, under this name. Nothing that is there already is sent again. */
export async function pushImage(store: Store, image: StoredImage, target: Reference, options: PullOptions): Promise<{ digest: Digest }> {
  using _use = await lockStore(store, 'use', 'shared');
  const { settings, credentials, progress } = options;
  const endpoint = endpointsOf(target.registry, settings).at(-1);
  if (endpoint === undefined) throw new KrunError('E_INTERNAL', 'a registry without an endpoint');
  const mountFrom = repositoryToMountFrom(image, target);
  const registry = connectRegistry(endpoint, target.repository, {
    credentials,
    actions: 'pull,push',
    say: progress.say,
    ...(mountFrom === null ? {} : { mountFrom }),
  });
  await pushManifest({ store, registry, mountFrom, progress }, image.descriptor, target.tag ?? target.digest ?? image.descriptor.digest);
  return { digest: image.descriptor.digest };
}

interface Pushing {
  readonly store: Store;
  readonly registry: Registry;
  readonly mountFrom: string | null;
  readonly progress: Progress;
}

// What came from the same registry is there already, in another repository.
function repositoryToMountFrom({ name }: StoredImage, target: Reference): string | null {
  if (name === null) return null;
  const source = parseReference(name);
  return source.registry === target.registry && source.repository !== target.repository ? source.repository : null;
}

async function pushManifest(pushing: Pushing, descriptor: Descriptor, reference: string): Promise<void> {
  const { store, registry } = pushing;
  const manifest = await readAny(store, descriptor);
  if (manifest.kind === 'index') for (const each of manifest.manifests) await pushManifest(pushing, each, each.digest);
  else {
    const blobs = new Map([manifest.config, ...manifest.layers].map((each) => [each.digest, each]));
    await inParallel([...blobs.values()], 4, (each, signal) => pushBlob(pushing, each, signal));
  }
  const content = await readBlob(store, descriptor);
  await registry.require([201], `the manifest ${reference}`, pathOf(registry.repository, 'manifests', reference), {
    method: 'PUT',
    headers: { 'content-type': descriptor.mediaType },
    body: () => new Uint8Array(content),
  });
}

async function pushBlob({ store, registry, mountFrom, progress }: Pushing, descriptor: Descriptor, signal: AbortSignal): Promise<void> {
  const { digest, size } = descriptor;
  const what = `the blob ${digest}`;
  const there = await registry.send(pathOf(registry.repository, 'blobs', digest), { method: 'HEAD', signal });
  if (there.status === 200) return;
  if (!hasBlob(store, descriptor))
    throw new KrunError('E_NO_IMAGE', `the store lacks ${digest}, which the registry lacks too`, { hint: 'pull or load the image again' });
  const bar = progress.start(digest, size);
  const uploads = pathOf(registry.repository, 'blobs/uploads/');
  const mount = mountFrom === null ? '' : `?mount=${digest}&from=${encodeURIComponent(mountFrom)}`;
  const begun = await registry.require([201, 202], what, `${uploads}${mount}`, {
    method: 'POST',
    headers: { 'content-length': '0' },
    signal,
  });
  await begun.body?.cancel();
  if (begun.status === 202) {
    await checkContent(store, descriptor);
    const location = new URL(begun.headers.get('location') ?? '', new URL(uploads, registry.endpoint.origin));
    location.searchParams.append('digest', digest);
    const sent = await registry.require([201], what, location.href, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: () => openAsBlob(blobPath(store, digest)), // says Content-Length, and is read anew for each try
      signal,
    });
    await sent.body?.cancel();
  }
  bar.advance(size);
  bar.done();
}

// The registry would refuse it as well, after the whole of it has been sent.
async function checkContent(store: Store, descriptor: Descriptor): Promise<void> {
  for await (const _part of readBlobStream(store, descriptor));
}

// A layout in a directory, whoever has made it → the store: OCI's by index.json, docker save's by manifest.json.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ingestBlob, writeBlob } from './blobs.ts';
import { type Descriptor, type Digest, damaged, readDescriptor, readObject } from './descriptor.ts';
import { nameImage, refName } from './index-file.ts';
import { largestDocument, mediaTypes, parseDocument, parseManifest } from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Store } from './store.ts';

export interface Imported {
  readonly name: string | null;
  readonly digest: Digest;
}

/** Every blob is checked on its way. Names that are none (a mere tag, as skopeo has it) are left out. */
export async function importLayout(store: Store, directory: string): Promise<readonly Imported[]> {
  const found = existsSync(join(directory, 'index.json')) ? await fromIndex(store, directory) : await fromDocker(store, directory);
  for (const { name, descriptor } of found) await nameImage(store, name, descriptor);
  return found.map(({ name, descriptor }) => ({ name, digest: descriptor.digest }));
}

interface Found {
  readonly name: string | null;
  readonly descriptor: Descriptor;
}

async function fromIndex(store: Store, directory: string): Promise<readonly Found[]> {
  const { manifests } = readObject(readDocument(join(directory, 'index.json')), 'index.json');
  if (!Array.isArray(manifests)) throw damaged('index.json has no manifests');
  const found: Found[] = [];
  for (const [index, entry] of manifests.entries()) {
    const descriptor = readDescriptor(entry, `index.json#/manifests/${index}`);
    await copyTree(store, directory, descriptor, 0);
    found.push({ name: nameOf(descriptor), descriptor });
  }
  return found;
}

// containerd's annotation has the whole name; the specification's is one, or a tag alone.
function nameOf({ annotations = {} }: Descriptor): string | null {
  const text = annotations['io.containerd.image.name'] ?? annotations[refName];
  if (text === undefined || !/[/:]/.test(text)) return null;
  return formatReference(parseReference(text));
}

async function copyTree(store: Store, directory: string, descriptor: Descriptor, depth: number): Promise<void> {
  if (depth > 3) throw damaged('its indexes are nested too deeply');
  if (descriptor.size > largestDocument) throw damaged('a manifest is too large');
  await copyBlob(store, directory, descriptor);
  const manifest = parseManifest(readFileSync(blobIn(directory, descriptor)), descriptor.mediaType);
  if (manifest.kind === 'manifest') for (const each of [manifest.config, ...manifest.layers]) await copyBlob(store, directory, each);
  // Of several platforms an archive may hold one.
  else for (const each of manifest.manifests) if (existsSync(blobIn(directory, each))) await copyTree(store, directory, each, depth + 1);
}

function copyBlob(store: Store, directory: string, descriptor: Descriptor): Promise<void> {
  const path = blobIn(directory, descriptor);
  if (!existsSync(path)) throw damaged(`the archive lacks ${descriptor.digest}`);
  return ingestBlob(store, descriptor, async (offset) => ({ from: offset, content: createReadStream(path, { start: offset }) }));
}

function blobIn(directory: string, { digest }: Descriptor): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

// docker save before 25 has no manifests: one is made, with the layers as they are, plain archives.
async function fromDocker(store: Store, directory: string): Promise<readonly Found[]> {
  const list = readDocument(join(directory, 'manifest.json'));
  if (!Array.isArray(list)) throw damaged('manifest.json must be a list');
  const found: Found[] = [];
  for (const [index, entry] of list.entries()) {
    const { Config, RepoTags, Layers } = readObject(entry, `manifest.json#/${index}`);
    if (typeof Config !== 'string' || !Array.isArray(Layers)) throw damaged(`manifest.json#/${index} must have Config and Layers`);
    const config = await copyFile(store, directory, Config);
    const layers = [];
    for (const layer of Layers) layers.push({ mediaType: mediaTypes.layer, ...(await copyFile(store, directory, String(layer))) });
    const manifest = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: { mediaType: mediaTypes.config, ...config }, layers }),
    );
    const descriptor = { mediaType: mediaTypes.manifest, ...writeBlob(store, manifest) };
    const names = Array.isArray(RepoTags) ? RepoTags.map(String) : [];
    if (names.length === 0) found.push({ name: null, descriptor });
    for (const name of names) found.push({ name: formatReference(parseReference(name)), descriptor });
  }
  return found;
}

async function copyFile(store: Store, directory: string, path: string): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const place = join(directory, path);
  if (!place.startsWith(`${directory}/`) || !statSync(place, { throwIfNoEntry: false })?.isFile())
    throw damaged(`the archive lacks ${JSON.stringify(path.slice(0, 100))}`);
  const hash = createHash('sha256');
  for await (const part of createReadStream(place)) hash.update(part as Buffer);
  const wanted = { digest: `sha256:${hash.digest('hex')}` as Digest, size: statSync(place).size };
  await ingestBlob(store, wanted, async (offset) => ({ from: offset, content: createReadStream(place, { start: offset }) }));
  return wanted;
}

function readDocument(path: string): unknown {
  if (statSync(path).size > largestDocument) throw damaged(`${path} is too large`);
  return parseDocument(readFileSync(path));
}

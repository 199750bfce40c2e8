// Archives of images: `docker save`'s, and OCI layouts in a tar archive. Ours are both at once, so that every tool finds what it knows.
import { createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { KrunError } from '../errors/krun-error.ts';
import { readBlob, readBlobStream } from './blobs.ts';
import type { Descriptor } from './descriptor.ts';
import { readAny } from './find-image.ts';
import { refName, type StoredImage } from './index-file.ts';
import type { TarEntry } from './layer/tar-entry.ts';
import { tarReader } from './layer/tar-reader.ts';
import { endOfArchive, padding, tarHeaders } from './layer/tar-writer.ts';
import { mediaTypes } from './manifest.ts';
import type { Store } from './store.ts';

/** Writes images with all that they need and the store has. `docker`: with the manifest.json of docker save. */
export async function writeArchive(store: Store, images: readonly StoredImage[], docker: boolean, output: Writable): Promise<void> {
  const blobs = new Map<string, Descriptor>();
  const listed: { Config: string; RepoTags: string[]; Layers: string[] }[] = [];
  for (const { name, descriptor } of images)
    await gather(store, descriptor, blobs, (manifest) => listed.push({ ...manifest, RepoTags: name === null ? [] : [shortName(name)] }));
  await send(output, fileEntry('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')));
  await send(output, fileEntry('index.json', Buffer.from(JSON.stringify(indexOf(images)))));
  if (docker) await send(output, fileEntry('manifest.json', Buffer.from(JSON.stringify(listed))));
  for (const descriptor of blobs.values()) {
    await send(output, [tarHeaders(entryOf(pathOf(descriptor), descriptor.size))]);
    for await (const part of readBlobStream(store, descriptor)) await send(output, [part as Buffer]);
    await send(output, [padding(descriptor.size)]);
  }
  await send(output, [endOfArchive]);
}

/** Lays the files of an archive out in a directory: plain files alone, below it, and links of old docker archives as copies of nothing. */
export async function extractArchive(input: Readable, directory: string): Promise<void> {
  let current: Writable | null = null;
  const files: Promise<void>[] = [];
  const close = (): void => {
    if (current !== null) {
      current.end();
      files.push(finished(current));
    }
    current = null;
  };
  const reader = tarReader({
    onEntry: ({ kind, path }) => {
      close();
      if (kind !== 'file') return;
      const place = safePath(path);
      mkdirSync(dirname(join(directory, place)), { recursive: true, mode: 0o700 });
      rmSync(join(directory, place), { force: true });
      writeFileSync(join(directory, place), '', { mode: 0o600, flag: 'wx' });
      current = createWriteStream(join(directory, place), { flags: 'r+' });
    },
    onData: (bytes) => void current?.write(Buffer.from(bytes)),
  });
  for await (const chunk of input) {
    reader.push(chunk as Buffer);
    const stream = current as Writable | null;
    if (stream?.writableNeedDrain) await new Promise((resolve) => stream.once('drain', resolve));
  }
  reader.end();
  close();
  await Promise.all(files);
  if (!existsSync(join(directory, 'index.json')) && !existsSync(join(directory, 'manifest.json')))
    throw new KrunError('E_IMAGE', 'the archive holds no image: it has neither index.json nor manifest.json', {
      hint: 'docker save, podman save and krun image save write such archives',
    });
}

function indexOf(images: readonly StoredImage[]): unknown {
  const manifests = images.map(({ name, descriptor: { mediaType, digest, size, platform } }) => ({
    mediaType,
    digest,
    size,
    ...(platform && { platform }),
    ...(name === null ? {} : { annotations: { [refName]: name, 'io.containerd.image.name': name } }),
  }));
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
}

type Listed = { Config: string; Layers: string[] };

async function gather(
  store: Store,
  descriptor: Descriptor,
  blobs: Map<string, Descriptor>,
  tell: (manifest: Listed) => void,
): Promise<void> {
  await readBlob(store, descriptor);
  blobs.set(descriptor.digest, descriptor);
  const manifest = await readAny(store, descriptor);
  if (manifest.kind === 'index') for (const each of manifest.manifests) await gather(store, each, blobs, tell);
  else {
    for (const each of [manifest.config, ...manifest.layers]) blobs.set(each.digest, each);
    tell({ Config: pathOf(manifest.config), Layers: manifest.layers.map(pathOf) });
  }
}

// docker knows its own registry's names in short only.
function shortName(name: string): string {
  return name.replace(/^docker\.io\/(?:library\/)?/, '');
}

function pathOf({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function fileEntry(path: string, content: Buffer): Buffer[] {
  return [tarHeaders(entryOf(path, content.length)), content, padding(content.length)];
}

function entryOf(path: string, size: number): TarEntry {
  return { kind: 'file', path, target: '', mode: 0o644, uid: 0, gid: 0, size, seconds: 0, nanoseconds: 0, major: 0, minor: 0, xattrs: [] };
}

async function send(output: Writable, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces)
    if (!output.write(piece)) await new Promise<void>((resolve, reject) => output.once('drain', resolve).once('error', reject));
}

// Names are bytes, one char each; what could lead elsewhere is no part of an image.
function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > 0 && parts.length < 10 && parts.every((part) => part !== '..' && /^[A-Za-z0-9._+-]{1,255}$/.test(part)))
    return parts.join('/');
  throw new KrunError('E_IMAGE', `the archive holds ${JSON.stringify(path.slice(0, 100))}, which no image has`);
}

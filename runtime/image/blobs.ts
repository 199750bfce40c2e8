// Blobs of the store: written whole or not at all, and what is read of them is checked against the digest that it was asked for by.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { KrunError } from '../errors/krun-error.ts';
import { algorithmOf, type Descriptor, type Digest, digestOf } from './descriptor.ts';
import { largestDocument } from './manifest.ts';
import { blobPath, lockStore, replaceFile, type Store, storeAccess } from './store.ts';

type Wanted = Pick<Descriptor, 'digest' | 'size'>;

/** Whether a blob is there, of the right size: its content is checked when it is read. */
export function hasBlob(store: Store, { digest, size }: Wanted): boolean {
  return statSync(blobPath(store, digest), { throwIfNoEntry: false })?.size === size;
}

/** A small document, checked. E_DIGEST when it has been changed, E_NO_IMAGE when it is missing, E_IMAGE when it is too large. */
export async function readBlob(store: Store, { digest, size }: Wanted): Promise<Buffer> {
  if (size > largestDocument) throw new KrunError('E_IMAGE', `a document of ${size} bytes is too large (${digest})`);
  const path = blobPath(store, digest);
  if (!existsSync(path)) throw missingBlob(digest);
  const content = await readFile(path);
  if (content.length !== size || digestOf(content, algorithmOf(digest)) !== digest) throw changedBlob(path, digest);
  return content;
}

/** A layer as a stream that fails at its end with E_DIGEST when it is not what it should be. */
export function readBlobStream(store: Store, { digest, size }: Wanted): Readable {
  const path = blobPath(store, digest);
  if (!existsSync(path)) throw missingBlob(digest);
  const check = verifying({ digest, size }, () => changedBlob(path, digest));
  return createReadStream(path)
    .on('error', (error) => check.destroy(error))
    .pipe(check);
}

/** Adds a small document that is at hand; returns its descriptor's digest and size. */
export function writeBlob(store: Store, content: Uint8Array): Wanted {
  const digest = digestOf(content);
  if (!hasBlob(store, { digest, size: content.length })) storeAccess(store.directory, () => replaceFile(blobPath(store, digest), content));
  return { digest, size: content.length };
}

/** Gives the content from an offset on: it may give all of it instead, and then says 0. */
export type Fetch = (offset: number) => Promise<{ readonly from: number; readonly content: AsyncIterable<Uint8Array> }>;

/**
 * Adds a blob unless it is there. What an earlier attempt has left is gone on with; of two that want the same blob one waits.
 * `progress` hears of every part. E_DIGEST when the content is another.
 */
export async function ingestBlob(store: Store, wanted: Wanted, fetch: Fetch, progress: (bytes: number) => void = () => {}): Promise<void> {
  if (hasBlob(store, wanted)) return progress(wanted.size);
  using _lock = await lockStore(store, `blob-${wanted.digest}`, 'exclusive');
  if (hasBlob(store, wanted)) return progress(wanted.size);
  const partial = join(store.directory, 'ingest', wanted.digest.replace(':', '-'));
  mkdirSync(dirname(partial), { recursive: true, mode: 0o700 });
  const hash = await receive(partial, wanted, fetch, progress).catch((error: unknown) => {
    if (isOfNoUse(partial, error)) rmSync(partial, { force: true });
    throw error;
  });
  if (`${algorithmOf(wanted.digest)}:${hash.digest('hex')}` !== wanted.digest) {
    rmSync(partial, { force: true });
    throw wrongContent(wanted.digest, 'its digest is another');
  }
  storeAccess(store.directory, () => {
    mkdirSync(dirname(blobPath(store, wanted.digest)), { recursive: true, mode: 0o700 });
    renameSync(partial, blobPath(store, wanted.digest));
  });
}

/** Passes content on and fails at its end unless it was this. */
export function verifying({ digest, size }: Wanted, failure: () => Error): Transform {
  const hash = createHash(algorithmOf(digest));
  let length = 0;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      length += part.length;
      hash.update(part);
      if (length > size) done(failure());
      else done(null, part);
    },
    flush(done) {
      done(length === size && `${algorithmOf(digest)}:${hash.digest('hex')}` === digest ? null : failure());
    },
  });
}

async function receive(partial: string, { digest, size }: Wanted, fetch: Fetch, progress: (bytes: number) => void): Promise<Hash> {
  let hash = createHash(algorithmOf(digest));
  await using file = await open(partial, 'a+', 0o600);
  let have = (await file.stat()).size;
  if (have > size) have = 0;
  if (have > 0) for await (const part of createReadStream(partial, { end: have - 1 })) hash.update(part as Buffer);
  if (have === size && size > 0) return hash;
  const { from, content } = await fetch(have);
  if (from !== have) {
    hash = createHash(algorithmOf(digest));
    have = 0;
  }
  await file.truncate(have);
  progress(have);
  for await (const part of content) {
    have += part.length;
    if (have > size) {
      throw wrongContent(digest, `it is longer than its ${size} bytes`);
    }
    hash.update(part);
    await file.appendFile(part);
    progress(part.length);
  }
  if (have < size) throw new KrunError('E_REGISTRY', `the transfer of ${digest} ended after ${have} of ${size} bytes`);
  await file.datasync();
  return hash;
}

// What was cut off is; what is wrong, or has not begun, is not.
function isOfNoUse(partial: string, error: unknown): boolean {
  if (error instanceof KrunError && error.code === 'E_DIGEST') return true;
  return (statSync(partial, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function wrongContent(digest: Digest, why: string): KrunError {
  return new KrunError('E_DIGEST', `what was received is not ${digest}: ${why}`, {
    hint: 'somebody on the way, or the registry, has changed it; nothing of it is kept',
  });
}

function changedBlob(path: string, digest: Digest): KrunError {
  return new KrunError('E_DIGEST', `a blob of the store is not ${digest} any more`, {
    path,
    hint: 'remove that file and pull or load the image again',
  });
}

function missingBlob(digest: Digest): KrunError {
  return new KrunError('E_NO_IMAGE', `the store lacks ${digest}`, { hint: 'pull or load the image again' });
}

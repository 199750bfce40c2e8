// Content descriptors and digests (image-spec descriptor.md), read from documents that anybody may have written.
import { createHash } from 'node:crypto';
import { KrunError } from '../errors/krun-error.ts';

/** algorithm:hex; one of sha256 and sha512. */
export type Digest = `${Algorithm}:${string}`;
type Algorithm = 'sha256' | 'sha512';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  /** Where else the content may be had (foreign layers); not followed. */
  readonly urls?: readonly string[];
}

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

/** For createHash. */
export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestOf(content: Uint8Array | string, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

/** E_IMAGE, naming the place, for what is no descriptor. What is not known of it is left out. */
export function readDescriptor(value: unknown, place: string): Descriptor {
  const { mediaType, digest, size, annotations, platform, urls } = readObject(value, place);
  if (typeof mediaType !== 'string' || mediaType === '' || mediaType.length > 255) throw damaged(`${place}/mediaType must be a media type`);
  if (!isDigest(digest)) throw damaged(`${place}/digest must be a sha256 or sha512 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw damaged(`${place}/size must be a number of bytes`);
  return {
    mediaType,
    digest,
    size,
    ...(annotations === undefined || annotations === null ? {} : { annotations: readTexts(annotations, `${place}/annotations`) }),
    ...(platform === undefined || platform === null ? {} : { platform: readPlatform(platform, `${place}/platform`) }),
    ...(Array.isArray(urls) ? { urls: urls.filter((url) => typeof url === 'string') } : {}),
  };
}

export function readObject(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(`${place || 'the document'} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

/** An object of strings. */
export function readTexts(value: unknown, place: string): Readonly<Record<string, string>> {
  const entries = Object.entries(readObject(value, place));
  for (const [name, text] of entries) if (typeof text !== 'string') throw damaged(`${place}/${name} must be a string`);
  return Object.fromEntries(entries) as Record<string, string>;
}

export function damaged(message: string): KrunError {
  return new KrunError('E_IMAGE', `the image is damaged: ${message}`);
}

function readPlatform(value: unknown, place: string): Platform {
  const { os, architecture, variant } = readObject(value, place);
  if (typeof os !== 'string' || typeof architecture !== 'string') throw damaged(`${place} must have os and architecture`);
  return { os, architecture, ...(typeof variant === 'string' ? { variant } : {}) };
}

import { host } from './host.ts';

/** What is not UTF-8 becomes U+FFFD. */
export function decode(bytes: Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const decodeBytes = encoding === 'utf8' ? host.decodeUtf8 : host.decodeLatin1;
  return decodeBytes(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Lone surrogates become U+FFFD. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(host.encodeUtf8(text.toWellFormed()));
}

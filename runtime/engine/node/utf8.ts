import { encode } from './text.ts';

export { decode as decodeUtf8 } from './text.ts';

export function newBytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

export function encodeUtf8(text: string, target: Uint8Array, offset: number): number {
  const bytes = encode(text);
  target.set(bytes, offset);
  return bytes.length;
}

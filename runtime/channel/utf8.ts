/** Not TextDecoder, whose set-up alone takes a third of a millisecond. What is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** Bytes, zero or not, that encodeUtf8 can write to. */
export function newBytes(length: number): Uint8Array {
  return Buffer.allocUnsafeSlow(length);
}

/** Writes a string at `offset`, where it must have room, and returns its length in bytes. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string, target: Uint8Array, offset: number): number {
  return (target as Buffer).write(text, offset);
}

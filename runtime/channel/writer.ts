import { encodeUtf8, newBytes } from './utf8.ts';

// Appends the wire's values (little endian, padded to 4 bytes) to a buffer that grows.
export class Writer {
  #bytes = newBytes(16384);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  i32(value: number): void {
    this.u32(value >>> 0);
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  /** UTF-8, counted, NUL-terminated. */
  string(value: string): void {
    this.#reserve(4 + value.length * 3 + 4);
    const written = encodeUtf8(value, this.#bytes, this.#length + 4);
    this.#view.setUint32(this.#length, written, true);
    this.#bytes[this.#length + 4 + written] = 0;
    this.#length += 4 + written + 1;
    this.#pad();
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#reserve(value.length + 3);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#pad();
  }

  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #pad(): void {
    while (this.#length % 4 !== 0) this.#bytes[this.#length++] = 0;
  }

  #reserve(count: number): void {
    if (this.#length + count + 8 <= this.#bytes.length) return;
    const larger = newBytes(Math.max(this.#bytes.length * 2, this.#length + count + 8));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

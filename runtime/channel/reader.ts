import { KrunError } from '../errors/krun-error.ts';
import { decodeUtf8 } from './utf8.ts';

// Takes the wire's values from a frame's body; every bound is checked (E_PROTO), for the other side may be anybody.
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The bytes of a string, without its NUL. */
  stringBytes(): Uint8Array {
    const length = this.u32();
    const start = this.#take(length + 1);
    const bytes = this.#bytes.subarray(start, start + length);
    if (this.#bytes[start + length] !== 0 || bytes.includes(0)) throw new KrunError('E_PROTO', 'a string holds or lacks a NUL');
    return bytes;
  }

  string(): string {
    return decodeUtf8(this.stringBytes());
  }

  /** A string that must be UTF-8: a path that is changed on the way would be another path. Throws E_USAGE. */
  strictString(): string {
    const bytes = this.stringBytes();
    const text = decodeUtf8(bytes);
    if (!text.includes('\ufffd') || isSame(new TextEncoder().encode(text), bytes)) return text;
    throw new KrunError('E_USAGE', 'the arguments and the working directory must be valid UTF-8');
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  list<Item>(readItem: () => Item): Item[] {
    const count = this.u32();
    if (count > (this.#bytes.length - this.#offset) / 4) throw new KrunError('E_PROTO', 'a list runs past the end');
    return Array.from({ length: count }, readItem);
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw new KrunError('E_PROTO', 'bytes after the last field');
  }

  #take(length: number): number {
    const start = this.#offset;
    const padded = (length + 3) & ~3;
    if (length > this.#bytes.length || start + padded > this.#bytes.length) throw new KrunError('E_PROTO', 'the frame is cut short');
    this.#offset = start + padded;
    return start;
  }
}

function isSame(some: Uint8Array, others: Uint8Array): boolean {
  return some.length === others.length && some.every((byte, index) => byte === others[index]);
}

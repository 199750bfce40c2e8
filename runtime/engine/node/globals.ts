// Node's globals that the supervisor uses, for the small engine; scripts/bundle.mjs puts them in the place of the names.
import { host } from './host.ts';
import { decode, encode } from './text.ts';

const architectures: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' };

class Process {
  readonly hrtime = { bigint: () => host.clock() };

  get arch(): string {
    return architectures[host.machine()] ?? host.machine();
  }

  get pid(): number {
    return host.pid();
  }

  geteuid(): number {
    return host.euid();
  }

  exit(status = 0): never {
    return host.exit(status);
  }
}

class Encoder {
  encode(text: string): Uint8Array<ArrayBuffer> {
    return encode(text);
  }

  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    const bytes = encode(text);
    if (bytes.length > target.length) throw new RangeError('the target is too small'); // Node would cut it short; nobody asks for that
    target.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

class Decoder {
  readonly #isFatal: boolean;

  constructor(_encoding = 'utf-8', { fatal = false } = {}) {
    this.#isFatal = fatal;
  }

  decode(bytes: Uint8Array): string {
    if (this.#isFatal && !host.isUtf8(bytes.buffer, bytes.byteOffset, bytes.length)) throw new TypeError('the data is not UTF-8');
    const text = decode(bytes);
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}

export { Decoder as TextDecoder, Encoder as TextEncoder };
export const process = new Process();

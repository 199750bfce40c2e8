import type { Seccomp } from '../../config/config.ts';
import type { NativeArchitecture } from './architectures.ts';
import type { CompiledSeccomp } from './compile.ts';

/** Under which name a compiled profile is kept, and what must stand in the entry for it to be the right one. */
export interface SeccompCacheKey {
  /** A file name: hexadecimal digits. Two profiles may share it. */
  readonly name: string;
  /** All that the program depends on. Two profiles that differ never share it. */
  readonly text: string;
}

/**
 * To be raised with every change of what compileSeccomp makes of a profile, or old programs live on in caches. The test of this file
 * knows the programs of a revision, and fails when they change without it.
 */
export const compilerRevision = 1;

const magic = 'krun-seccomp-1\n';
const headerLength = magic.length + 12; // the lengths of text and program, and the flags: u32, little endian
const longestProgram = 4096 * 8;

/** The key of a profile on a machine. Cheap: no cryptographic digest is needed where the whole text is compared. */
export function seccompCacheKey(profile: Seccomp, native: NativeArchitecture): SeccompCacheKey {
  const rules = (profile.syscalls ?? []).map(({ names, action, errnoRet, args }) => [
    names,
    action,
    errnoRet ?? null,
    (args ?? []).map(({ index, value, valueTwo, op }) => [index, op, `${value}`, `${valueTwo ?? 0n}`]),
  ]);
  const { defaultAction, defaultErrnoRet, architectures, flags } = profile;
  const text = JSON.stringify([
    compilerRevision,
    native,
    defaultAction,
    defaultErrnoRet ?? null,
    architectures ?? null,
    flags ?? null,
    rules,
  ]);
  return { name: hash(text), text };
}

/** The bytes of a cache entry. */
export function encodeCacheEntry(key: SeccompCacheKey, { program, flags }: CompiledSeccomp): Uint8Array {
  const text = new TextEncoder().encode(key.text);
  const entry = new Uint8Array(headerLength + text.length + program.length);
  const view = new DataView(entry.buffer);
  new TextEncoder().encodeInto(magic, entry);
  view.setUint32(magic.length, text.length, true);
  view.setUint32(magic.length + 4, program.length, true);
  view.setUint32(magic.length + 8, flags, true);
  entry.set(text, headerLength);
  entry.set(program, headerLength + text.length);
  return entry;
}

/** What an entry holds for a key; undefined if it is another profile's, or damaged. */
export function decodeCacheEntry(key: SeccompCacheKey, entry: Uint8Array): CompiledSeccomp | undefined {
  if (entry.length < headerLength || decode(entry.subarray(0, magic.length)) !== magic) return undefined;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const textLength = view.getUint32(magic.length, true);
  const programLength = view.getUint32(magic.length + 4, true);
  const flags = view.getUint32(magic.length + 8, true);
  if (programLength === 0 || programLength % 8 !== 0 || programLength > longestProgram) return undefined;
  if (entry.length !== headerLength + textLength + programLength) return undefined;
  if (decode(entry.subarray(headerLength, headerLength + textLength)) !== key.text) return undefined;
  return { program: new Uint8Array(entry.subarray(headerLength + textLength)), flags };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

// 64 bits of two multiplicative hashes with different seeds (FNV-1a's prime, and Knuth's).
function hash(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x9e3779b9;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x9e3779b1);
  }
  return hexadecimal(one) + hexadecimal(other);
}

function hexadecimal(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

import { KrunError } from '../errors/krun-error.ts';
import { parsePrecisely } from './precise-json.ts';

/** The largest document that is read at all: a real config.json has some 60 KB. */
export const largestJson = 16 * 1024 * 1024;

/** Objects and arrays in each other deeper than this are refused; config.json needs 8. */
export const deepestJson = 128;

/**
 * The value of a JSON document. As JSON.parse, but integers beyond 2^53 come as bigint, and a key that stands twice in
 * one object, nesting beyond `deepestJson` and text that has no UTF-8 form are refused (E_CONFIG_JSON, with line and column).
 * A byte order mark is skipped.
 */
export function parseJson(text: string): unknown {
  if (text.length > largestJson) throw tooLarge();
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  const value = parseNatively(json);
  return value === undefined ? parsePrecisely(json, deepestJson) : value;
}

/** The text of a JSON file. Invalid UTF-8 is refused (E_CONFIG_JSON): replacement characters would name other files. */
export function decodeJson(bytes: Uint8Array): string {
  if (bytes.length > largestJson) throw tooLarge();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KrunError('E_CONFIG_JSON', 'JSON must be encoded as UTF-8', { cause, hint: 'save the file as UTF-8' });
  }
}

// undefined wherever JSON.parse is not enough: our own parser is 20 to 50 times slower while V8 is cold.
function parseNatively(json: string): unknown {
  if (json.length > largestForNative || digitsLost.test(json) || surrogateEscape.test(json)) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return countKeys(value, 0) === countKeyLikes(json) ? value : undefined;
  } catch {
    return undefined;
  }
}

// JSON.parse takes seconds for millions of nested arrays; our own parser stops at the depth.
const largestForNative = 1024 * 1024;

// A number of 16 or more digits or with an exponent. Inside of a string it may be a false alarm, which costs only time.
const digitsLost = /(?:^|[:[,\s])-?\d(?:[\d.]{15,}|[\d.]*[eE][+-]?\d+)\s*(?:[,}\]]|$)/;
const surrogateEscape = /\\u[dD][89a-fA-F]/;

// Every key in the text is followed by a colon, so this is never too small; strings such as ":0" make it too large.
function countKeyLikes(json: string): number {
  return json.match(/"\s*:/g)?.length ?? 0;
}

// Keys that survived JSON.parse: one that stands twice is counted once. NaN, which equals nothing, when nested too deeply.
function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === deepestJson) return Number.NaN;
  const entries: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : entries.length;
  for (const entry of entries) count += countKeys(entry, depth + 1);
  return count;
}

function tooLarge(): KrunError {
  return new KrunError('E_CONFIG_JSON', `JSON must be at most ${largestJson / 1024 / 1024} MiB long`);
}

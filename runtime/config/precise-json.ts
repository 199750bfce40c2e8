import { KrunError } from '../errors/krun-error.ts';
import { type Path, toPointer } from './problem.ts';
import { setOwn } from './set-own.ts';

interface Reader {
  readonly text: string;
  readonly path: (string | number)[];
  readonly deepest: number;
  at: number;
}

/**
 * JSON (RFC 8259) by our own means: integers are exact (bigint beyond 2^53), a key that stands twice in one object is
 * refused, and every fault is told with line and column (E_CONFIG_JSON).
 */
export function parsePrecisely(text: string, deepest: number): unknown {
  const reader: Reader = { text, path: [], deepest, at: 0 };
  const value = readValue(reader);
  skipSpace(reader);
  if (reader.at < text.length) throw unexpected(reader, 'the end');
  return value;
}

function readValue(reader: Reader): unknown {
  skipSpace(reader);
  const start = reader.text[reader.at];
  if (start === '"') return readString(reader);
  if (start === '{') return readNested(reader, readObject);
  if (start === '[') return readNested(reader, readArray);
  for (const [word, value] of words) {
    if (reader.text.startsWith(word, reader.at)) {
      reader.at += word.length;
      return value;
    }
  }
  return readNumber(reader);
}

const words: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

function readNested(reader: Reader, read: (reader: Reader) => unknown): unknown {
  if (reader.path.length === reader.deepest) throw fault(reader, reader.at, `nested deeper than ${reader.deepest} levels`);
  reader.at += 1;
  return read(reader);
}

function readObject(reader: Reader): unknown {
  const object: Record<string, unknown> = {};
  const places = new Map<string, number>();
  readList(reader, '}', () => {
    const place = reader.at;
    if (reader.text[place] !== '"') throw unexpected(reader, 'a key in double quotes');
    const key = readString(reader);
    const first = places.get(key);
    if (first !== undefined) throw duplicate(reader, key, first, place);
    places.set(key, place);
    expect(reader, ':');
    setOwn(object, key, readBelow(reader, key));
  });
  return object;
}

function readArray(reader: Reader): unknown {
  const array: unknown[] = [];
  readList(reader, ']', () => {
    array.push(readBelow(reader, array.length));
  });
  return array;
}

function readList(reader: Reader, end: string, readElement: () => void): void {
  skipSpace(reader);
  if (reader.text[reader.at] !== end) {
    do {
      skipSpace(reader);
      readElement();
      skipSpace(reader);
    } while (takeComma(reader, end));
  }
  expect(reader, end);
}

// False at the end of the list; anything but a comma there is a fault.
function takeComma(reader: Reader, end: string): boolean {
  const { text, at } = reader;
  if (text[at] === end) return false;
  if (text[at] !== ',') throw unexpected(reader, `"," or "${end}"`);
  reader.at += 1;
  skipSpace(reader);
  if (text[reader.at] === end) throw fault(reader, at, `expected no comma before "${end}"`);
  return true;
}

function readBelow(reader: Reader, segment: string | number): unknown {
  reader.path.push(segment);
  const value = readValue(reader);
  reader.path.pop();
  return value;
}

function readString(reader: Reader): string {
  const { text, at: start } = reader;
  reader.at += 1;
  while (text[reader.at] !== '"') skipCharacter(reader, start);
  reader.at += 1;
  const value = JSON.parse(text.slice(start, reader.at)) as string;
  if (!value.isWellFormed()) throw fault(reader, start, 'the string contains a lone surrogate, which has no UTF-8 form');
  return value;
}

function skipCharacter(reader: Reader, start: number): void {
  const { text, at } = reader;
  if (at >= text.length) throw fault(reader, start, 'the string has no end');
  if (text.charCodeAt(at) < 0x20) throw fault(reader, at, `expected ${JSON.stringify(text[at])} in a string to be escaped`);
  if (text[at] !== '\\') {
    reader.at += 1;
    return;
  }
  escapeSequence.lastIndex = at;
  if (!escapeSequence.test(text)) throw fault(reader, at, 'expected one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX');
  reader.at = escapeSequence.lastIndex;
}

const escapeSequence = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

function readNumber(reader: Reader): number | bigint {
  const { text, at: start } = reader;
  let end = start;
  while ('+-.eE0123456789'.includes(text[end] ?? 'x')) end += 1;
  if (end - start > longestNumeral) throw fault(reader, start, `expected a number of at most ${longestNumeral} characters`);
  const found = numeral.exec(text.slice(start, end));
  if (found === null) throw unexpected(reader, 'a value');
  reader.at = start + found[0].length;
  return toNumber(found[0], found[1] ?? '', found[2] ?? '', found[3] ?? '0');
}

// The regular expression would run out of stack on millions of digits, and BigInt out of time.
const longestNumeral = 1000;
const numeral = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:[eE]([+-]?\d+))?/;

// A bigint where a double would lose digits of an integer; 1e19 and 1.5e19 are integers too.
function toNumber(literal: string, whole: string, fraction: string, exponent: string): number | bigint {
  const value = Number(literal);
  const digits = `${whole}${fraction}`;
  const zeros = Number(exponent) - fraction.length;
  if (Number.isSafeInteger(value) || !Number.isInteger(value) || digits.length + Math.abs(zeros) > mostDigits) return value;
  return zeros >= 0 ? BigInt(`${digits}${'0'.repeat(zeros)}`) : divide(BigInt(digits), 10n ** BigInt(-zeros), value);
}

// 2^64 has 20; what is longer is out of every range, and a double says so as well.
const mostDigits = 100;

function divide(dividend: bigint, divisor: bigint, inexact: number): number | bigint {
  return dividend % divisor === 0n ? dividend / divisor : inexact;
}

function expect(reader: Reader, character: string): void {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) throw unexpected(reader, `"${character}"`);
  reader.at += 1;
}

function skipSpace(reader: Reader): void {
  while (' \t\n\r'.includes(reader.text[reader.at] ?? 'x')) reader.at += 1;
}

function unexpected(reader: Reader, expected: string): KrunError {
  const found = reader.text.codePointAt(reader.at);
  if (found === undefined) return fault(reader, reader.at, `expected ${expected}, not the end`);
  const character = String.fromCodePoint(found);
  return fault(reader, reader.at, `expected ${expected}, not ${JSON.stringify(character)}`, hints[character]);
}

const hints: Readonly<Record<string, string>> = {
  '/': 'JSON has no comments',
  '#': 'JSON has no comments',
  "'": 'JSON wants double quotes',
};

function duplicate(reader: Reader, key: string, first: number, second: number): KrunError {
  const name = key.length > 80 ? `${key.slice(0, 80)}…` : key;
  const where = `at ${place(reader.text, first)} and at ${place(reader.text, second)}`;
  const message = `the key ${JSON.stringify(name)} stands twice in one object, ${where}`;
  return failure(message, reader.path, 'remove one of them: which one counts differs from runtime to runtime');
}

function fault(reader: Reader, at: number, message: string, hint?: string): KrunError {
  return failure(`not valid JSON at ${place(reader.text, at)}: ${message}`, reader.path, hint);
}

function failure(message: string, path: Path, hint: string | undefined): KrunError {
  const pointer = toPointer(path);
  return new KrunError('E_CONFIG_JSON', message, hint === undefined ? { pointer } : { pointer, hint });
}

function place(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

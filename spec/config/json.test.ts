import test from 'ava';
import fc from 'fast-check';
import { decodeJson, parseJson } from '../../runtime/config/json.ts';
import { parsePrecisely } from '../../runtime/config/precise-json.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';

test('any JSON is parsed as JSON.parse does', (t) => {
  const document = fc
    .jsonValue({ maxDepth: 5 })
    .chain((value) => fc.constantFrom(undefined, 1, '\t').map((indent) => JSON.stringify(value, null, indent)));
  fc.assert(
    fc.property(document, (json) => t.deepEqual(withDoubles(parseJson(json)), JSON.parse(json))),
    { numRuns: 500 },
  );
  t.pass();
});

test('our own parser is JSON.parse on any JSON', (t) => {
  fc.assert(
    fc.property(fc.json(), (json) => t.deepEqual(withDoubles(parsePrecisely(json, 128)), JSON.parse(json))),
    { numRuns: 500 },
  );
  t.pass();
});

test('what JSON.parse refuses, our own parser refuses too, with a place', (t) => {
  const broken = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, junk]) => {
    const place = at % (json.length + 1);
    return `${json.slice(0, place)}${junk}${json.slice(place + 1)}`;
  });
  fc.assert(
    fc.property(broken, (json) => {
      const isValid = accepts(() => JSON.parse(json));
      const error = catchError(() => parsePrecisely(json, 128));
      if (!isValid) t.regex(error?.message ?? '', /^not valid JSON at line \d+, column \d+: |stands twice/);
      else if (error !== undefined) t.regex(error.message, /stands twice|lone surrogate/);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('integers of 64 bits keep all of their digits', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (integer) => {
      const parsed = parseJson(`{"a": [${integer}]}`) as { a: [number | bigint] };
      t.is(BigInt(parsed.a[0]), integer);
    }),
  );
  t.is(parseJson('18446744073709551615'), 18446744073709551615n);
  t.is(parseJson('{"a":9007199254740993}'.slice(5, -1)), 9007199254740993n);
});

test('an integer written with an exponent or a fraction is exact', (t) => {
  t.is(parseJson('1.8446744073709551615e19'), 18446744073709551615n);
  t.is(parseJson('184467440737095516150e-1'), 18446744073709551615n);
  t.is(parseJson('9007199254740993.0'), 9007199254740993n);
  t.is(parseJson('1e3'), 1000);
  t.is(parseJson('1e400'), Number.POSITIVE_INFINITY);
  t.is(parseJson('0.5'), 0.5);
});

test('digits and exponents inside of strings change nothing', (t) => {
  const text = '{"id": "sha256:18446744073709551615, 1e5 ", "path": ":/bin\\": x"}';
  t.deepEqual(parseJson(text), JSON.parse(text));
});

test('a key that stands twice in one object is refused, with both places and the pointer of the object', (t) => {
  const error = catchError(() => parseJson('{"linux": {\n  "namespaces": [{"type": "pid",\n "type": "ipc"}]}}'));
  t.is(error?.code, 'E_CONFIG_JSON');
  t.is(error?.pointer, '/linux/namespaces/0');
  t.regex(error?.message ?? '', /"type" stands twice .* at line 2, column 19 and at line 3, column 2/);
});

test('a key that stands twice is found whatever is between key and colon, and by its escapes', (t) => {
  for (const json of ['{"a":1,"a"\n\t:2}', '{"a":1,"\\u0061":2}', '{"__proto__":1,"__proto__":2}', '{"x":":","a":1,"a":1}']) {
    t.is(catchError(() => parseJson(json))?.code, 'E_CONFIG_JSON', json);
  }
});

test('the same key in different objects is fine', (t) => {
  t.deepEqual(parseJson('{"a":{"a":[{"a":1},{"a":2}]}}'), { a: { a: [{ a: 1 }, { a: 2 }] } });
});

test('a key __proto__ is an ordinary property', (t) => {
  for (const json of ['{"__proto__": {"polluted": true}}', '{"__proto__": {"polluted": true, "n": 18446744073709551615}}']) {
    const value = parseJson(json) as { polluted?: boolean };
    t.true(Object.hasOwn(value, '__proto__'));
    t.is(value.polluted, undefined);
    t.is(({} as { polluted?: boolean }).polluted, undefined);
  }
});

for (const [json, place, fragment] of [
  ['', 'line 1, column 1', 'not the end'],
  ['{\n  "a": 1,\n}', 'line 2, column 9', 'no comma before "}"'],
  ['[1 2]', 'line 1, column 4', 'expected "," or "]"'],
  ['{"a" 1}', 'line 1, column 6', 'expected ":"'],
  ['{"a":1} x', 'line 1, column 9', 'expected the end'],
  ['{"a":1}\0', 'line 1, column 8', 'expected the end'],
  ['"a\nb"', 'line 1, column 3', 'to be escaped'],
  ['"\\x"', 'line 1, column 2', 'expected one of'],
  ['"\\u12"', 'line 1, column 2', 'expected one of'],
  ['["abc', 'line 1, column 2', 'has no end'],
  ['{a: 1}', 'line 1, column 2', 'a key in double quotes'],
  ['[01]', 'line 1, column 3', 'expected "," or "]"'],
  ['[+1]', 'line 1, column 2', 'expected a value'],
  ['[NaN]', 'line 1, column 2', 'expected a value'],
  ['["\\ud800"]', 'line 1, column 2', 'lone surrogate'],
  ['["\\udc00\\ud800"]', 'line 1, column 2', 'lone surrogate'],
] as const) {
  test(`${JSON.stringify(json)} is refused at ${place}: ${fragment}`, (t) => {
    const error = catchError(() => parseJson(json));
    t.is(error?.code, 'E_CONFIG_JSON');
    t.true(error?.message.includes(place), error?.message);
    t.true(error?.message.includes(fragment), error?.message);
  });
}

test('a pair of surrogates is one character', (t) => {
  t.is(parseJson('"\\ud83d\\ude00"'), '😀');
});

test('a comment is told that JSON has none', (t) => {
  t.is(catchError(() => parseJson('{ // no\n}'))?.hint, 'JSON has no comments');
});

test('a byte order mark is skipped', (t) => {
  t.deepEqual(parseJson('\ufeff{"a":1}'), { a: 1 });
  t.is(decodeJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), '{}');
});

test('128 levels of nesting are read, 129 are refused', (t) => {
  t.notThrows(() => parseJson(`${'['.repeat(128)}${']'.repeat(128)}`));
  t.is(catchError(() => parseJson(`${'['.repeat(129)}${']'.repeat(129)}`))?.code, 'E_CONFIG_JSON');
});

for (const [name, json] of [
  ['nested arrays', '['.repeat(1_000_000)],
  ['nested arrays', '['.repeat(16 * 1024 * 1024)],
  ['nested objects', '{"a":'.repeat(200_000)],
  ['digits', '1'.repeat(16 * 1024 * 1024)],
  ['digits', `[${'1'.repeat(1_000_000)}]`],
  ['more than 16 MiB', ' '.repeat(16 * 1024 * 1024 + 1)],
] as const) {
  test(`${json.length} bytes of ${name} are refused without a crash`, (t) => {
    t.is(catchError(() => parseJson(json))?.code, 'E_CONFIG_JSON');
  });
}

test('invalid UTF-8 is refused, not replaced', (t) => {
  t.is(catchError(() => decodeJson(new Uint8Array([0x22, 0xff, 0x22])))?.code, 'E_CONFIG_JSON');
  t.is(decodeJson(new TextEncoder().encode('"ä😀"')), '"ä😀"');
});

test('more than 16 MiB of bytes are refused before they are decoded', (t) => {
  t.is(catchError(() => decodeJson(new Uint8Array(16 * 1024 * 1024 + 1)))?.code, 'E_CONFIG_JSON');
});

function catchError(act: () => unknown): KrunError | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof KrunError) return error;
    throw error;
  }
  return undefined;
}

function accepts(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

// Back to what JSON.parse makes of the integers that it cannot hold.
function withDoubles(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withDoubles);
  if (typeof value !== 'object' || value === null) return value;
  const copy = {};
  for (const [name, entry] of Object.entries(value)) {
    Object.defineProperty(copy, name, { value: withDoubles(entry), enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

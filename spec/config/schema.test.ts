import test from 'ava';
import { createReport, type Problem, toPointer } from '../../runtime/config/problem.ts';
import {
  absentIfEmpty,
  absolutePath,
  array,
  bigInteger,
  type Infer,
  int64,
  integer,
  object,
  oneOf,
  record,
  refine,
  type Schema,
  string,
  uint64,
} from '../../runtime/config/schema.ts';

const person = object({ name: string }, { age: integer(0, 150), tags: array(string) }, ['comment']);
// The inferred type: a compile error here is a failed test.
const somebody: Infer<typeof person> = { name: 'x', tags: ['a'] };

test('a schema returns a clean copy: unknown, ignored and null properties are gone', (t) => {
  const given = { name: 'x', age: null, comment: 1, other: 1, tags: ['a'] };
  const { value, problems } = check(person, given);
  t.deepEqual(value, somebody);
  t.not(value?.tags, given.tags);
  t.deepEqual(summary(problems), ['warning /other']);
});

test('every problem is reported, at its own pointer', (t) => {
  const { problems } = check(record(array(person)), { 'a/b~c': [{ name: 1, age: -1, tags: ['x', 2] }, null, 'x'] });
  t.deepEqual(summary(problems), [
    'error /a~1b~0c/0/name',
    'error /a~1b~0c/0/age',
    'error /a~1b~0c/0/tags/1',
    'error /a~1b~0c/1',
    'error /a~1b~0c/2',
  ]);
});

test('a required property that is missing or null is reported once', (t) => {
  t.deepEqual(summary(check(person, {}).problems), ['error /name']);
  t.deepEqual(summary(check(person, { name: null }).problems), ['error /name']);
  t.deepEqual(summary(check(person, { name: 1 }).problems), ['error /name']);
});

test('an unusable element stays as a hole, so that a rule sees the right indexes', (t) => {
  let seen: readonly unknown[] = [];
  const schema = refine(array(string), (draft) => {
    seen = draft;
  });
  check(schema, ['a', 1, 'c']);
  t.deepEqual(seen, ['a', undefined, 'c']);
});

test('a second error at one place is dropped', (t) => {
  const schema = refine(object({}, { age: integer(0, 1) }), ({ age }, report) => {
    if (age === undefined) report.error(['age'], 'must be given');
  });
  t.deepEqual(
    check(schema, { age: 2 }).problems.map(({ message }) => message),
    ['age must be an integer from 0 to 1, not 2'],
  );
});

test('integers come as number or bigint, whichever the schema says, from either', (t) => {
  t.is(check(integer(0, 10), 5n).value, 5);
  t.is(check(uint64, 5).value, 5n);
  t.is(check(uint64, 2n ** 64n - 1n).value, 2n ** 64n - 1n);
  t.is(check(int64, -(2n ** 63n)).value, -(2n ** 63n));
  t.is(check(int64, 2 ** 62).value, 2n ** 62n);
});

for (const [schema, value] of [
  [integer(0, 10), 11],
  [integer(0, 10), 0.5],
  [integer(0, 10), '5'],
  [integer(0, 10), Number.NaN],
  [integer(0, 10), Number.POSITIVE_INFINITY],
  [integer(0, 10), 2n ** 70n],
  [uint64, 2n ** 64n],
  [uint64, -1],
  [int64, 2n ** 63n],
  [int64, 1e300],
  [bigInteger(-1n, 5n), -2],
  [string, 1],
  [string, 'a\0'],
  [string, '\udc00'],
  [absolutePath, ''],
  [absolutePath, 'a/b'],
  [oneOf(['a', 'b']), 'c'],
  [oneOf(['a', 'b']), 1],
  [array(string), {}],
  [array(string, { min: 1 }), []],
  [array(string), [undefined]],
  [record(string), []],
  [record(string), { 'a\0': 'x' }],
] as readonly (readonly [Schema<unknown>, unknown])[]) {
  const shown = typeof value === 'number' || typeof value === 'bigint' ? `${typeof value} ${value}` : JSON.stringify(value);
  test(`${shown} is refused: ${check(schema, value).problems[0]?.message}`, (t) => {
    t.deepEqual(check(schema, value).problems.filter(({ severity }) => severity === 'error').length, 1);
  });
}

test('an empty value is absent where it may be', (t) => {
  for (const value of ['', [], {}])
    t.deepEqual(check(absentIfEmpty(absolutePath as Schema<unknown>), value), { value: undefined, problems: [] });
  t.is(check(absentIfEmpty(absolutePath), 'x').problems.length, 1);
});

test('a long value is cut in a message', (t) => {
  const [problem] = check(absolutePath, 'x'.repeat(10_000)).problems;
  t.true((problem?.message.length ?? 0) < 150);
});

test('a pointer escapes slashes and tildes', (t) => {
  t.is(toPointer([]), '');
  t.is(toPointer(['a/b', 0, '~', '']), '/a~1b/0/~0/');
});

function check<T>(schema: Schema<T>, given: unknown): { readonly value: T | undefined; readonly problems: readonly Problem[] } {
  const report = createReport();
  return { value: schema(given, report), problems: report.problems };
}

function summary(problems: readonly Problem[]): string[] {
  return problems.map(({ severity, pointer }) => `${severity} ${pointer}`);
}

import { nearestName } from './nearest-name.ts';
import type { Report } from './problem.ts';
import { setOwn } from './set-own.ts';

/**
 * Checks one value, adds what is wrong to the report, and returns a clean copy.
 * undefined means absent or unusable; in the latter case the report says why.
 */
export type Schema<T> = (value: unknown, report: Report) => T | undefined;

/** The type that a schema lets through. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/**
 * What a rule sees of a value that passed its schema only in part: whatever was unusable is missing.
 * So every problem is found in one pass, and the types keep a rule from relying on what is not there.
 */
export type Draft<T> = T extends string | number | bigint | boolean
  ? T
  : T extends readonly (infer Element)[]
    ? readonly (Draft<Element> | undefined)[]
    : { readonly [Name in keyof T]?: Draft<T[Name]> | undefined };

type Properties = Readonly<Record<string, Schema<unknown>>>;
type ObjectOf<Required, Optional> = Flat<
  { readonly [Name in keyof Required]: Infer<Required[Name]> } & { readonly [Name in keyof Optional]?: Infer<Optional[Name]> }
>;
type Flat<T> = { readonly [Name in keyof T]: T[Name] };

/**
 * An object with these properties. null is absent, as in Go's encoding/json; `ignored` names are known and dropped;
 * any other name is a warning only, because the runtime-spec wants unknown properties ignored (config.md#extensibility).
 */
export function object<Required extends Properties, Optional extends Properties>(
  required: Required,
  optional: Optional,
  ignored: readonly string[] = [],
): Schema<ObjectOf<Required, Optional>> {
  const properties = new Map([...Object.entries(required), ...Object.entries(optional)]);
  const requiredNames = Object.keys(required);
  return (value, report) => {
    if (!isObject(value)) return refuse(report, 'an object', value);
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const schema = properties.get(name);
      if (schema !== undefined) {
        const checked = checkAt(schema, value[name], name, report);
        if (checked !== undefined) copy[name] = checked;
      } else if (!ignored.includes(name)) {
        reportUnknown(report, name, [...properties.keys()]);
      }
    }
    for (const name of requiredNames) {
      if (value[name] === undefined || value[name] === null) report.error([name], 'must be given');
    }
    return copy as ObjectOf<Required, Optional>;
  };
}

/** An array of one kind of element. */
export function array<T>(element: Schema<T>, { min = 0 }: { readonly min?: number } = {}): Schema<readonly T[]> {
  return (value, report) => {
    if (!Array.isArray(value)) return refuse(report, 'an array', value);
    if (value.length < min) report.error([], `must have at least ${min} element${min === 1 ? '' : 's'}`);
    const copy: T[] = [];
    for (const [index, entry] of value.entries()) {
      if (entry === null || entry === undefined) report.error([index], 'must not be null');
      // An unusable element stays as a hole, so that the indexes in later pointers are right.
      copy.push(checkAt(element, entry, index, report) as T);
    }
    return copy;
  };
}

/** An object with free names. */
export function record<T>(element: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return (value, report) => {
    if (!isObject(value)) return refuse(report, 'an object', value);
    const copy: Record<string, T> = {};
    for (const name of Object.keys(value)) {
      if (name.includes('\0')) report.error([name], 'must have a name without NUL characters');
      if (value[name] === null) report.error([name], 'must not be null');
      const checked = checkAt(element, value[name], name, report);
      if (checked !== undefined) setOwn(copy, name, checked);
    }
    return copy;
  };
}

/** A string. It ends up as a C string: NUL would cut it short, and a lone surrogate has no UTF-8 form. */
export const string: Schema<string> = (value, report) => {
  if (typeof value !== 'string') return refuse(report, 'a string', value);
  if (value.includes('\0')) return fail(report, 'must not contain NUL characters');
  if (!value.isWellFormed()) return fail(report, 'must not contain lone surrogates');
  return value;
};

/** A string of at least one character. */
export const nonEmptyString: Schema<string> = (value, report) => {
  const text = string(value, report);
  return text === '' ? fail(report, 'must not be empty') : text;
};

/** true or false. */
export const boolean: Schema<boolean> = (value, report) => (typeof value === 'boolean' ? value : refuse(report, 'true or false', value));

/** A path from the root. */
export const absolutePath: Schema<string> = (value, report) => {
  const path = string(value, report);
  return path === undefined || path.startsWith('/') ? path : refuse(report, 'an absolute path', path);
};

/** A string of a certain form; `expected` completes "must be …". */
export function matching(form: RegExp, expected: string): Schema<string> {
  return (value, report) => {
    const text = string(value, report);
    if (text === undefined) return undefined;
    return form.test(text) ? text : refuse(report, expected, text);
  };
}

/** One of these names; a near miss is told what it was probably meant to be. */
export function oneOf<const Name extends string>(names: readonly Name[]): Schema<Name> {
  return (value, report) => {
    if (names.includes(value as Name)) return value as Name;
    const nearest = typeof value === 'string' ? nearestName(value, names) : undefined;
    const details = nearest === undefined ? {} : { hint: `did you mean "${nearest}"?` };
    report.error([], `must be one of ${names.join(', ')}, not ${show(value)}`, details);
    return undefined;
  };
}

/** A whole number that a double holds exactly. */
export function integer(min: number, max: number): Schema<number> {
  return (value, report) => {
    const exact = toBigInt(value);
    if (exact === undefined || exact < min || exact > max) return refuse(report, `an integer from ${min} to ${max}`, value);
    return Number(exact);
  };
}

/** A whole number that may need 64 bits. */
export function bigInteger(min: bigint, max: bigint): Schema<bigint> {
  return (value, report) => {
    const exact = toBigInt(value);
    if (exact === undefined || exact < min || exact > max) return refuse(report, `an integer from ${min} to ${max}`, value);
    return exact;
  };
}

export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
export const int32 = integer(-0x8000_0000, 0x7fff_ffff);
export const uint64 = bigInteger(0n, 2n ** 64n - 1n);
export const int64 = bigInteger(-(2n ** 63n), 2n ** 63n - 1n);

/** A schema whose empty value ("", {} or []) means absent, as Go's omitempty has it. */
export function absentIfEmpty<T>(schema: Schema<T>): Schema<T> {
  return (value, report) => (isEmpty(value) ? undefined : schema(value, report));
}

/** A schema with a rule of its own, which reports relative to the value. */
export function refine<T>(schema: Schema<T>, rule: (draft: Draft<T>, report: Report) => void): Schema<T> {
  return (value, report) => {
    const checked = schema(value, report);
    if (checked !== undefined) rule(checked as Draft<T>, report);
    return checked;
  };
}

/** A value as it may stand in a message: short, one line. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function checkAt<T>(schema: Schema<T>, value: unknown, segment: string | number, report: Report): T | undefined {
  if (value === null || value === undefined) return undefined;
  report.path.push(segment);
  const checked = schema(value, report);
  report.path.pop();
  return checked;
}

function reportUnknown(report: Report, name: string, known: readonly string[]): void {
  const nearest = nearestName(name, known);
  report.warning([name], 'is not a property of the runtime-spec', nearest === undefined ? {} : { hint: `did you mean "${nearest}"?` });
}

function refuse(report: Report, expected: string, value: unknown): undefined {
  return fail(report, `must be ${expected}, not ${show(value)}`);
}

function fail(report: Report, predicate: string): undefined {
  report.error([], predicate);
  return undefined;
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

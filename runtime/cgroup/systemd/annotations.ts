// org.systemd.property.NAME: properties of the scope by annotation, as runc and crun have it. Annotations come from people who may not choose
// what a container may do (SECURITY.md H5; CVE-2024-3154: SuccessAction=reboot): only properties that concern the scope's own end and order
// are taken, none that limits, delegates, runs, or acts on the host.
import type { Config } from '../../config/config.ts';
import { toPointer } from '../../config/problem.ts';
import { KrunError } from '../../errors/krun-error.ts';
import type { Property } from './manager.ts';

const prefix = 'org.systemd.property.';

/** What may be set, and its D-Bus type. */
const allowed: Readonly<Record<string, 's' | 't' | 'i' | 'b' | 'as'>> = {
  After: 'as',
  Before: 'as',
  CollectMode: 's',
  Description: 's',
  KillSignal: 'i',
  RuntimeMaxUSec: 't',
  SendSIGHUP: 'b',
  TimeoutStopUSec: 't',
};

export interface AnnotatedProperties {
  readonly properties: readonly Property[];
  /** Names of annotations that are left out. */
  readonly ignored: readonly string[];
}

/** E_CONFIG for an allowed property with a value that is none of its type, in GVariant's text format: 'x', 5, uint64 5, true, ['a', 'b']. */
export function annotatedProperties(annotations: Config['annotations'] = {}): AnnotatedProperties {
  const named = Object.entries(annotations).filter(([key]) => key.startsWith(prefix));
  const ignored = named.map(([key]) => key).filter((key) => typeOf(key) === undefined);
  return { properties: named.flatMap(([key, value]) => propertyOf(key, value)), ignored };
}

export const allowedProperties: readonly string[] = Object.keys(allowed);

function typeOf(key: string): string | undefined {
  const name = propertyName(key);
  return Object.hasOwn(allowed, name) ? allowed[name] : undefined;
}

// …Sec is …USec in seconds, as in unit files.
function propertyName(key: string): string {
  return key.slice(prefix.length).replace(/(?<!U)Sec$/, 'USec');
}

function propertyOf(key: string, text: string): Property[] {
  const type = typeOf(key);
  if (type === undefined) return [];
  const value = key.endsWith('USec') || type !== 't' ? parse(type, text.trim()) : parseSeconds(text.trim());
  if (value === null)
    throw new KrunError('E_CONFIG', `annotations["${key}"] must be a value of the D-Bus type "${type}", not ${JSON.stringify(text)}`, {
      pointer: toPointer(['annotations', key]),
      hint: "in GVariant's text format: 'text', 5, uint64 5, true, ['a', 'b']",
    });
  return [{ name: propertyName(key), type, value }];
}

function parse(type: string, text: string): Property['value'] | null {
  switch (type) {
    case 's':
      return parseString(text);
    case 'b':
      return text === 'true' ? true : text === 'false' ? false : null;
    case 'i':
      return /^(int32 )?\d{1,9}$/.test(text) ? Number(text.replace('int32 ', '')) : null;
    case 't':
      return /^(uint64 )?\d{1,19}$/.test(text) ? BigInt(text.replace('uint64 ', '')) : null;
    default:
      return parseStrings(text);
  }
}

const second = 1_000_000n;

function parseSeconds(text: string): bigint | null {
  const [, number] = /^(?:uint64 |uint32 |int32 |int64 )?(\d{1,12})$/.exec(text) ?? [];
  return number === undefined ? null : BigInt(number) * second;
}

function parseString(text: string): string | null {
  const [, single, double] = /^(?:'([^'\\\p{Cc}]*)'|"([^"\\\p{Cc}]*)")$/u.exec(text) ?? [];
  return single ?? double ?? null;
}

function parseStrings(text: string): string[] | null {
  const [, inner] = /^\[(.*)\]$/s.exec(text) ?? [];
  if (inner === undefined) return null;
  if (inner.trim() === '') return [];
  const strings = inner.split(',').map((part) => parseString(part.trim()));
  return strings.every((string) => string !== null) ? strings : null;
}

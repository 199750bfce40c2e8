// Method calls of D-Bus as bytes, little endian (D-Bus specification, "Marshaling" and "Message Format"). Only what systemd is told.

/** A value of a D-Bus type: y, b, u, t, s, o, g, v, arrays (a…) and structs. uint64 are bigints; bytes (ay) a Uint8Array. */
export type BusValue = string | number | bigint | boolean | Uint8Array | Variant | typeof pidPlace | readonly BusValue[];

export interface Variant {
  readonly type: string;
  readonly value: BusValue;
}

/** Stands for a uint32 that only the helper knows: a pid. */
export const pidPlace = Symbol('pid');

export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** The types of the arguments, one after the other; '' for none. */
  readonly signature: string;
  readonly body: readonly BusValue[];
}

export interface EncodedCall {
  readonly bytes: Uint8Array;
  /** Where the pid goes; 0: nowhere. */
  readonly pidAt: number;
}

const headerField = { path: 1, interface: 2, member: 3, destination: 6, signature: 8 } as const;

/** One message; `serial` is from 1 on, and nobody else's on the connection. */
export function encodeCall(call: MethodCall, serial: number): EncodedCall {
  const body = new Marshaller();
  const types = splitSignature(call.signature);
  types.forEach((type, index) => {
    body.value(type, call.body[index] as BusValue);
  });
  const header = new Marshaller();
  const fields: BusValue[] = [
    [headerField.path, { type: 'o', value: call.path }],
    [headerField.interface, { type: 's', value: call.interface }],
    [headerField.member, { type: 's', value: call.member }],
    [headerField.destination, { type: 's', value: call.destination }],
    ...(call.signature === '' ? [] : [[headerField.signature, { type: 'g', value: call.signature }]]),
  ];
  const methodCall = 1;
  const version = 1;
  for (const [type, value] of [
    ['y', 'l'.charCodeAt(0)],
    ['y', methodCall],
    ['y', 0],
    ['y', version],
    ['u', body.bytes.length],
    ['u', serial],
    ['a(yv)', fields],
  ] as const)
    header.value(type, value);
  header.align(8);
  const bytes = Uint8Array.from([...header.bytes, ...body.bytes]);
  return { bytes, pidAt: body.pidAt === null ? 0 : header.bytes.length + body.pidAt };
}

class Marshaller {
  readonly bytes: number[] = [];
  pidAt: number | null = null;

  value(type: string, value: BusValue): void {
    switch (type[0]) {
      case 'y':
        this.bytes.push(Number(value));
        return;
      case 'b':
        this.number(value === true ? 1n : 0n, 4);
        return;
      case 'u':
        this.align(4);
        if (value === pidPlace) this.pidAt = this.bytes.length;
        this.number(value === pidPlace ? 0n : BigInt(value as number), 4);
        return;
      case 'i':
        this.number(BigInt.asUintN(32, BigInt(value as number)), 4);
        return;
      case 't':
        this.number(value as bigint, 8);
        return;
      case 's':
      case 'o':
        this.text(value as string, 4);
        return;
      case 'g':
        this.text(value as string, 1);
        return;
      case 'v':
        this.text((value as Variant).type, 1);
        this.value((value as Variant).type, (value as Variant).value);
        return;
      case '(':
        this.struct(type.slice(1, -1), value as readonly BusValue[]);
        return;
      case 'a':
        this.array(type.slice(1), [...(value as readonly BusValue[])]);
        return;
      default:
        throw new TypeError(`no D-Bus type: ${type}`);
    }
  }

  align(to: number): void {
    while (this.bytes.length % to !== 0) this.bytes.push(0);
  }

  number(value: bigint, size: number): void {
    this.align(size);
    for (let index = 0; index < size; index++) this.bytes.push(Number((value >> BigInt(8 * index)) & 0xffn));
  }

  // The length is a uint32, or for a signature a byte; a NUL follows that does not count.
  text(text: string, lengthSize: number): void {
    const bytes = new TextEncoder().encode(text);
    this.number(BigInt(bytes.length), lengthSize);
    for (const byte of bytes) this.bytes.push(byte);
    this.bytes.push(0);
  }

  struct(types: string, values: readonly BusValue[]): void {
    this.align(8);
    splitSignature(types).forEach((type, index) => {
      this.value(type, values[index] as BusValue);
    });
  }

  // The length does not count the padding before the first element, which is there even if no element is.
  array(type: string, values: readonly BusValue[]): void {
    this.number(0n, 4);
    const lengthAt = this.bytes.length - 4;
    this.align(alignmentOf(type));
    const start = this.bytes.length;
    for (const value of values) this.value(type, value);
    const length = this.bytes.length - start;
    for (let index = 0; index < 4; index++) this.bytes[lengthAt + index] = (length >>> (8 * index)) & 0xff;
  }
}

function alignmentOf(type: string): number {
  if ('t('.includes(type[0] as string)) return 8;
  return 'ygv'.includes(type[0] as string) ? 1 : 4;
}

/** The single complete types of a signature: "ssa(sv)" is s, s, a(sv). */
export function splitSignature(signature: string): string[] {
  const types: string[] = [];
  for (let start = 0; start < signature.length; ) {
    const end = endOfType(signature, start);
    types.push(signature.slice(start, end));
    start = end;
  }
  return types;
}

function endOfType(signature: string, start: number): number {
  let end = start;
  while (signature[end] === 'a') end++;
  if (signature[end] !== '(') return end + 1;
  for (let depth = 0; end < signature.length; end++) {
    if (signature[end] === '(') depth++;
    if (signature[end] === ')' && --depth === 0) return end + 1;
  }
  throw new TypeError(`no D-Bus signature: ${signature}`);
}

// Messages of protocol buffers as bytes (https://protobuf.dev/programming-guides/encoding): as much of it as criu's requests need.

/** A field's number and value; false, null and undefined are left out, which a proto2 optional field reads as its default. */
export type ProtobufField = readonly [number: number, value: ProtobufValue];
/** boolean and number (not negative): a varint; the rest have their length before them. */
export type ProtobufValue = boolean | number | string | Uint8Array | null | undefined;

export function encodeMessage(fields: readonly ProtobufField[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([number, value]) => encodeField(number, value)));
}

function encodeField(number: number, value: ProtobufValue): number[] {
  if (value === null || value === undefined || value === false) return [];
  if (value === true) return [...varint(number * 8), 1];
  if (typeof value === 'number') return [...varint(number * 8), ...varint(value)];
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [...varint(number * 8 + lengthDelimited), ...varint(bytes.length), ...bytes];
}

const lengthDelimited = 2;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

// A frame: 16 bytes of header (little endian), then the body.
//   u32 magic "KRUN" · u16 version · u16 type · u32 length of the body · u32 digest of the op table
// The digest makes a helper and a supervisor of different builds refuse each other instead of guessing.
import { KrunError } from '../errors/krun-error.ts';
import { opTable } from '../plan/ops.ts';

export const protocolVersion = 1;
export const frameMagic = 0x4e55524b;
export const headerLength = 16;
// From `prepare` on: between a launcher and the Node program whose it is (launcher-messages.ts).
export const frameTypes = { request: 1, plan: 2, greeting: 3, prepare: 4, launch: 5, signal: 6, cancel: 7, report: 8 } as const;

// A request carries argv and the environment, which the kernel limits to about 2 MiB; a plan carries every op of a container; a greeting,
// which goes before the request to a resident supervisor, the identity of a file.
const megabyte = 1024 * 1024;
export const maximumLength = {
  request: 4 * megabyte,
  plan: 16 * megabyte,
  greeting: 256,
  prepare: 16,
  launch: 16 * megabyte,
  signal: 8,
  cancel: 4,
  report: megabyte,
} as const;

export type FrameType = keyof typeof frameTypes;

export function encodeFrame(type: FrameType, body: Uint8Array): Uint8Array {
  if (body.length > maximumLength[type])
    throw new KrunError('E_PROTO', `a ${type} of ${body.length} bytes is more than ${maximumLength[type]}`);
  const frame = new Uint8Array(headerLength + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frameMagic, true);
  view.setUint16(4, protocolVersion, true);
  view.setUint16(6, frameTypes[type], true);
  view.setUint32(8, body.length, true);
  view.setUint32(12, opTableDigest(), true);
  frame.set(body, headerLength);
  return frame;
}

/** Checks a header and returns the length of the body in bytes; throws E_PROTO. */
export function decodeHeader(header: Uint8Array, type: FrameType): number {
  const view = new DataView(header.buffer, header.byteOffset, headerLength);
  if (view.getUint32(0, true) !== frameMagic) throw new KrunError('E_PROTO', 'the frame does not begin as one of krun');
  const version = view.getUint16(4, true);
  if (version !== protocolVersion)
    throw new KrunError('E_PROTO', `protocol version ${version} is not ${protocolVersion}`, { hint: rebuild });
  if (view.getUint16(6, true) !== frameTypes[type]) throw new KrunError('E_PROTO', `the frame is not a ${type}`);
  if (view.getUint32(12, true) !== opTableDigest())
    throw new KrunError('E_PROTO', 'helper and supervisor are of different builds', { hint: rebuild });
  const length = view.getUint32(8, true);
  if (length > maximumLength[type]) throw new KrunError('E_PROTO', `a ${type} of ${length} bytes is more than ${maximumLength[type]}`);
  return length;
}

const rebuild = 'build both again: npm run build';
declare const OP_TABLE_DIGEST: number | undefined;
let digest: number | undefined = typeof OP_TABLE_DIGEST === 'undefined' ? undefined : OP_TABLE_DIGEST;

/** FNV-1a over the names and field kinds of the op table; the bundle for a start has it worked out. */
export function opTableDigest(): number {
  if (digest !== undefined) return digest;
  let hash = 0x811c9dc5;
  for (const [name, { fields }] of Object.entries(opTable)) {
    for (const character of `${name}(${Object.entries(fields).flat().join(',')})`) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
    }
  }
  digest = hash;
  return digest;
}

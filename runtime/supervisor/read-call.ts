// What a helper sends to a resident supervisor: a greeting, which names the build, and the request, in one piece as a rule.
import { decodeHeader, headerLength, maximumLength } from '../channel/frame.ts';
import { Reader } from '../channel/reader.ts';

export interface Call {
  /** As buildIdentity() has it. */
  readonly build: string;
  /** The request's body. */
  readonly body: Uint8Array;
}

/** The call, or null as long as there is more to come. Throws E_PROTO for what no helper of this build sends, as soon as it shows. */
export function readCall(bytes: Uint8Array): Call | null {
  const greeting = readFrame(bytes, 'greeting');
  if (greeting === null) return null;
  const request = readFrame(greeting.rest, 'request');
  if (request === null) return null;
  const reader = new Reader(greeting.body);
  const build = reader.string();
  reader.end();
  return { build, body: request.body };
}

/** Of greeting and request. */
export const longestCall = 2 * headerLength + maximumLength.greeting + maximumLength.request;

/** Who calls, as the request says it. */
export function claimedCaller({ body }: Call): { readonly uid: number; readonly pid: number } {
  const reader = new Reader(body);
  const [uid, , pid] = [reader.u32(), reader.u32(), reader.u32()];
  return { uid, pid };
}

function readFrame(bytes: Uint8Array, type: 'greeting' | 'request'): { readonly body: Uint8Array; readonly rest: Uint8Array } | null {
  if (bytes.length < headerLength) return null;
  const end = headerLength + decodeHeader(bytes, type);
  return bytes.length < end ? null : { body: bytes.subarray(headerLength, end), rest: bytes.subarray(end) };
}

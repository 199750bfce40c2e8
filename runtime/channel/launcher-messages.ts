// What a Node program and its launcher (runtime/helper/launcher.c) tell each other. Each message is a frame; its body begins with the
// number of the call that it is about, a report's with its kind.

import type { FailureReport } from '../errors/failure-report.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Plan } from '../plan/ops.ts';
import { type FollowUp, readFailure } from './decode-request.ts';
import { encodePlan } from './encode-plan.ts';
import { encodeFrame, headerLength } from './frame.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Where one of the standard streams of a call goes: /dev/null, the program's own, a pipe to the program. */
export type Stdio = 'ignore' | 'inherit' | 'pipe';

const streamKinds = { ignore: 0, inherit: 1, pipe: 2 } as const satisfies Record<Stdio, number>;

/** The descriptors of a call are made, before there is a plan. */
export function encodePrepare(call: number, stdio: readonly Stdio[]): Uint8Array {
  return encodeFrame('prepare', words(call, ...stdio.map((kind) => streamKinds[kind])));
}

/** A child of the launcher carries the plan out. */
export function encodeLaunch(call: number, plan: Plan): Uint8Array {
  const body = encodePlan(plan).subarray(headerLength);
  const whole = new Uint8Array(4 + body.length);
  new DataView(whole.buffer).setUint32(0, call, true);
  whole.set(body, 4);
  return encodeFrame('launch', whole);
}

/** A signal for the call's process; 9 ends the call: its container is killed, and all is cleared up. */
export function encodeSignal(call: number, signal: number): Uint8Array {
  return encodeFrame('signal', words(call, signal));
}

/** A call that was prepared is not to be. */
export function encodeCancel(call: number): Uint8Array {
  return encodeFrame('cancel', words(call));
}

export type LauncherReport =
  /** The numbers that the program's ends of its pipes have in the launcher; null for a stream that is none. */
  | { readonly kind: 'prepared'; readonly call: number; readonly errno: number; readonly descriptors: readonly (number | null)[] }
  | { readonly kind: 'started'; readonly call: number; readonly pid: number }
  | { readonly kind: 'failure' | 'warning'; readonly call: number; readonly failure: FailureReport }
  | { readonly kind: 'followUp'; readonly call: number; readonly followUp: FollowUp }
  /** How the plan ended: the helper's status; `signal` is what ended the container's process, or the call itself (`interrupted`). */
  | {
      readonly kind: 'result';
      readonly call: number;
      readonly status: number;
      readonly signal: number;
      readonly interrupted: boolean;
    }
  /** A child has ended. `call` 0: none that carries out a call, but what one has left behind. A negative pid: fork failed by this errno. */
  | { readonly kind: 'gone'; readonly call: number; readonly pid: number; readonly status: number; readonly signal: number };

/** Throws E_PROTO. */
export function decodeReport(body: Uint8Array): LauncherReport {
  const reader = new Reader(body);
  const decode = decoders[reader.u32()];
  if (decode === undefined) throw new KrunError('E_PROTO', 'the launcher reports what is not known');
  const report = decode(reader, reader.u32());
  reader.end();
  return report;
}

const decoders: Readonly<Record<number, (reader: Reader, call: number) => LauncherReport>> = {
  1: (reader, call) => ({
    kind: 'prepared',
    call,
    errno: reader.u32(),
    descriptors: [reader.u32(), reader.u32(), reader.u32()].map((descriptor) => (descriptor === none ? null : descriptor)),
  }),
  2: (reader, call) => ({ kind: 'started', call, pid: reader.u32() }),
  3: (reader, call) => ({ kind: 'failure', call, failure: failureIn(reader) }),
  4: (reader, call) => ({ kind: 'warning', call, failure: failureIn(reader) }),
  5: (reader, call) => ({ kind: 'followUp', call, followUp: { memo: reader.string(), input: reader.bytes() } }),
  6: (reader, call) => ({ kind: 'result', call, status: reader.u32(), signal: reader.u32(), interrupted: reader.u32() !== 0 }),
  7: (reader, call) => ({ kind: 'gone', call, pid: reader.u32() | 0, status: reader.u32(), signal: reader.u32() }),
};

const none = 0xffff_ffff;

function failureIn(reader: Reader): FailureReport {
  if (reader.u32() === 0) throw new KrunError('E_PROTO', 'the launcher reports a failure that is none');
  return readFailure(reader);
}

function words(...values: readonly number[]): Uint8Array {
  const writer = new Writer();
  for (const value of values) writer.u32(value);
  return writer.result();
}

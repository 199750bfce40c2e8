// What runtime/helper/request.c writes, written again: a request's body (see runtime/channel/decode-request.ts for its layout).
import type { FailureReport } from '../../runtime/errors/failure-report.ts';

export interface RequestFields {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  readonly umask: number;
  /** Bit n: descriptor n is a terminal. */
  readonly terminals: number;
  readonly cwd: string | Uint8Array;
  /** With the name of the program before all. */
  readonly argv: readonly (string | Uint8Array)[];
  readonly environment: readonly (string | Uint8Array)[];
  readonly failure?: FailureReport;
  readonly followUp?: { readonly memo: string; readonly input: Uint8Array };
}

export function encodeRequest({
  uid,
  gid,
  pid,
  umask,
  terminals,
  cwd,
  argv,
  environment,
  failure,
  followUp,
}: RequestFields): Uint8Array<ArrayBuffer> {
  const parts = [...[uid, gid, pid, umask, terminals].map(u32), string(cwd), ...strings(argv), ...strings(environment)];
  parts.push(u32(failure === undefined ? 0 : 1));
  if (failure !== undefined) {
    const { op, index, pointer, syscall, errno, path, detail } = failure;
    parts.push(string(op), u32(index), string(pointer), string(syscall), u32(errno), string(path), string(detail));
  }
  parts.push(u32(followUp === undefined ? 0 : 1));
  if (followUp !== undefined) parts.push(string(followUp.memo), bytes(followUp.input));
  return new Uint8Array(Buffer.concat(parts));
}

function strings(list: readonly (string | Uint8Array)[]): Uint8Array[] {
  return [u32(list.length), ...list.map(string)];
}

function string(value: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u32(bytes.length), bytes, Buffer.alloc(4 - (bytes.length % 4))]);
}

function bytes(value: Uint8Array): Uint8Array {
  return Buffer.concat([u32(value.length), value, Buffer.alloc(-value.length & 3)]);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

// The helper's request: who calls with what, and after a failure what went wrong. Its layout is written by runtime/helper/request.c.
import type { Caller } from '../container/caller.ts';
import type { FailureReport } from '../errors/failure-report.ts';
import { Reader } from './reader.ts';

export interface Request {
  readonly caller: Caller;
  /** The op that failed when the answer to the same call was carried out; null: this is the call itself. */
  readonly failure: FailureReport | null;
  /** What the answer before handed on by askAgain; null: there was none. */
  readonly followUp: FollowUp | null;
}

/** A supervisor keeps nothing between two questions: what it needs of the first travels with the second. */
export interface FollowUp {
  /** What askAgain said. */
  readonly memo: string;
  /** What ops of that plan have read: standard input, the output of a program, values of a cgroup. */
  readonly input: Uint8Array;
}

/** Throws E_PROTO for a body that no helper has written, E_USAGE for arguments that are not UTF-8. */
export function decodeRequest(body: Uint8Array): Request {
  const reader = new Reader(body);
  const [uid, gid, pid, umask, terminals] = [reader.u32(), reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const cwd = reader.strictString();
  const argv = reader.list(() => reader.strictString()).slice(1);
  const env = new Map(reader.list(() => splitVariable(reader.string())));
  const failure = reader.u32() === 0 ? null : readFailure(reader);
  const followUp = reader.u32() === 0 ? null : { memo: reader.string(), input: reader.bytes() };
  reader.end();
  return {
    caller: { argv, cwd, env, uid, gid, pid, umask, terminals: [0, 1, 2].map((bit) => (terminals & (1 << bit)) !== 0) },
    failure,
    followUp,
  };
}

/** As put_failure in runtime/helper/encode.c writes it, behind its first u32. */
export function readFailure(reader: Reader): FailureReport {
  return {
    op: reader.string(),
    index: reader.u32(),
    pointer: reader.string(),
    syscall: reader.string(),
    errno: reader.u32(),
    path: reader.string(),
    detail: reader.string(),
  };
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf('=');
  return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)];
}

import type { Caller } from '../../runtime/container/caller.ts';
import type { Plan } from '../../runtime/plan/ops.ts';

/** Root in /tmp with these arguments, unless told otherwise. */
export function callerOf(argv: readonly string[], overrides: Partial<Caller> = {}): Caller {
  return { argv, cwd: '/tmp', env: new Map(), uid: 0, gid: 0, pid: 100, umask: 0o022, terminals: [false, false, false], ...overrides };
}

export interface Effect {
  readonly stdout: string;
  readonly stderr: string;
  readonly files: Readonly<Record<string, string>>;
  readonly status: number | null;
}

/** What a plan of writes and an exit would do. */
export function effectOf(plan: Plan): Effect {
  const streams = ['', '', ''];
  const files: Record<string, string> = {};
  let status: number | null = null;
  for (const op of plan) {
    if (op.op === 'write') streams[op.descriptor] += text(op.content);
    else if (op.op === 'appendFile') files[op.path] = (files[op.path] ?? '') + text(op.content);
    else if (op.op === 'createFile') files[op.path] = text(op.content);
    else if (op.op === 'exit') status = op.status;
    else throw new Error(`no plan of output: ${op.op}`);
  }
  return { stdout: streams[1] ?? '', stderr: streams[2] ?? '', files, status };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

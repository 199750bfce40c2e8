import type { Op, Plan } from './ops.ts';

/** Text on one of the caller's standard descriptors. */
export function print(descriptor: 1 | 2, text: string): Op {
  return { op: 'write', pointer: '', descriptor, content: new TextEncoder().encode(text) };
}

/** The caller's exit status; nothing comes after it. */
export function exit(status: number): Op {
  return { op: 'exit', pointer: '', status };
}

/** Prints to the standard output, and succeeds. */
export function printText(text: string): Plan {
  return [print(1, text), exit(0)];
}

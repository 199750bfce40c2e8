import type { Plan } from '../plan/ops.ts';

/** A plan that writes to the caller's standard output and succeeds. */
export function printText(text: string): Plan {
  return [
    { op: 'write', pointer: '', descriptor: 1, content: new TextEncoder().encode(text) },
    { op: 'exit', pointer: '', status: 0 },
  ];
}

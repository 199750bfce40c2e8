import { explainEnd } from '../cgroup/explain-end.ts';
import type { FollowUp } from '../channel/decode-request.ts';
import type { Plan } from '../plan/ops.ts';

/** What an attended `run` says when its container has failed and the cgroup has counted something: whenCounted's further question. */
export function explainRun({ memo, input }: FollowUp): Plan {
  const [status, oomKills, refusedForks] = new TextDecoder().decode(input).split('\0');
  const limits = JSON.parse(memo) as { readonly memoryLimit: string | null; readonly pidsLimit: string | null };
  const lines = explainEnd({ ...limits, oomKills: numberOf(oomKills), refusedForks: numberOf(refusedForks) });
  const content = new TextEncoder().encode(lines.map((line) => `krun: ${line}\n`).join(''));
  return [
    { op: 'write', pointer: '', descriptor: 2, content },
    { op: 'exit', pointer: '', status: Number(status) },
  ];
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text);
}

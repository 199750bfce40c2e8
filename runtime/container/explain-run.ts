import { explainEnd } from '../cgroup/explain-end.ts';
import type { FollowUp } from '../channel/decode-request.ts';
import type { Plan } from '../plan/ops.ts';
import { exit, print } from '../plan/print.ts';

/** What an attended `run` says when its container has failed and the cgroup has counted something: whenCounted's further question. */
export function explainRun({ memo, input }: FollowUp): Plan {
  const [status, oomKills, refusedForks] = new TextDecoder().decode(input).split('\0');
  const limits = JSON.parse(memo) as { readonly memoryLimit: string | null; readonly pidsLimit: string | null };
  const lines = explainEnd({ ...limits, oomKills: numberOf(oomKills), refusedForks: numberOf(refusedForks) });
  return [print(2, lines.map((line) => `krun: ${line}\n`).join('')), exit(Number(status))];
}

function numberOf(text: string | undefined): number | null {
  return text === undefined || text === '' ? null : Number(text);
}

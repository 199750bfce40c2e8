import { execFileSync } from 'node:child_process';
import type { Contender } from './contenders.ts';

/** Milliseconds of each run, by .cache/measure: fork to wait, by a process too small to disturb. */
export function time({ command, frame, environment }: Contender, runs: number): number[] {
  const output = execFileSync('.cache/measure', [String(runs), frame ?? '-', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: { ...process.env, KRUN_SUPERVISOR: 'off', ...environment },
  });
  const lines = output.trimEnd().split('\n').slice(-runs);
  return lines.map((line) => Number(line) / 1e6);
}

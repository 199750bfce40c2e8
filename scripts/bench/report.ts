import { coldName, floorName, helperName, runcName } from './contenders.ts';
import type { Memory } from './memory.ts';

export interface Result {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly min: number;
  readonly p90: number;
  readonly samples: readonly number[];
  readonly memory: Memory | null;
}

export function summarize(name: string, samples: readonly number[]): Omit<Result, 'memory'> {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { name, median: at(0.5), min: at(0), p90: at(0.9), samples };
}

/** The table and whether the goals are met. */
export function report(results: readonly Result[]): string {
  const floor = named(results, floorName);
  const runc = named(results, runcName);
  const header = row('', 'median ms', 'min', 'p90', '× floor', '× runc', 'PSS KiB');
  const rows = results.map(({ name, median, min, p90, memory }) =>
    row(
      name,
      median.toFixed(2),
      min.toFixed(2),
      p90.toFixed(2),
      ratio(median, floor?.median),
      ratio(median, runc?.median),
      memory === null ? '' : `${memory.pss} in ${memory.processes}`,
    ),
  );
  return [header, ...rows, '', ...goals(results)].join('\n');
}

function goals(results: readonly Result[]): string[] {
  const [floor, helper, cold, runc] = [floorName, helperName, coldName, runcName].map((name) => named(results, name));
  return [
    goal("the helper's share, plan in hand → exit status, × floor", helper && floor && helper.median / floor.median, 1.3),
    goal('krun run, cold, × runc', cold && runc && cold.median / runc.median, 1.1),
    goal('MiB (PSS) while a container runs', cold?.memory == null ? undefined : cold.memory.pss / 1024, 1),
  ];
}

function goal(what: string, value: number | undefined, limit: number): string {
  if (value === undefined) return `not measured  ${what}`;
  return `${value <= limit ? 'met   ' : 'MISSED'}  ${what}: ${value.toFixed(2)} (goal: at most ${limit})`;
}

function named(results: readonly Result[], name: string): Result | undefined {
  return results.find((result) => result.name === name);
}

function ratio(value: number, base: number | undefined): string {
  return base === undefined ? '' : (value / base).toFixed(2);
}

function row(name: string, ...cells: string[]): string {
  return `${name.padEnd(24)}${cells.map((cell) => cell.padStart(11)).join('')}`;
}

import { coldName, floorName, helperName, runcName, warmName } from './contenders.ts';
import type { LifecycleResults } from './lifecycle.ts';
import type { Memory } from './memory.ts';
import { extraMounts, type ScenarioResults, startsAtOnce } from './scenarios.ts';

export interface Figures {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly min: number;
  readonly p90: number;
  readonly samples: readonly number[];
}

export interface Result extends Figures {
  readonly memory: Memory | null;
}

export function summarize(name: string, samples: readonly number[]): Figures {
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

/** Tables of the same kind, with ratios to crun and runc, and what stays beside a detached container. */
export function reportLifecycle({ cycle, exec, detached }: LifecycleResults): string {
  const weights = detached.map(({ name, pss, processes }) => row(name, `${pss} in ${processes}`));
  return [
    ...ratios('create+start+delete', cycle),
    '',
    ...ratios('exec', exec),
    '',
    row('beside a detached one', 'PSS KiB'),
    ...weights,
    goal('processes of ours beside a detached container', detached.find(({ name }) => name === coldName)?.processes, 0),
  ].join('\n');
}

/** Ratios to spawning krun and runc from the same program. */
export function reportApi(figures: readonly Figures[]): string {
  const [krun, runc] = ['spawn krun', 'spawn runc'].map((name) => figures.find((one) => one.name === name)?.median);
  const rows = figures.map(({ name, median, min, p90 }) =>
    row(name, median.toFixed(2), min.toFixed(2), p90.toFixed(2), ratio(median, krun), ratio(median, runc)),
  );
  return [row('from a Node program', 'median ms', 'min', 'p90', '× krun', '× runc'), ...rows].join('\n');
}

export function reportScenarios({ atOnce, filtered, manyMounts }: ScenarioResults): string {
  return [
    ...ratios(`${startsAtOnce} at once`, atOnce),
    ...atOnce.map(({ name, median }) => row(`  ${name}`, `${((startsAtOnce / median) * 1000).toFixed(0)} a second`)),
    '',
    ...ratios('seccomp, all namespaces', filtered),
    '',
    ...ratios(`${extraMounts} more mounts`, manyMounts),
  ].join('\n');
}

/** What the resident supervisor is for. */
export function goalsOfSupervisor(results: readonly Result[], lifecycle: LifecycleResults, scenarios: ScenarioResults): string[] {
  const [floor, warm] = [floorName, warmName].map((name) => named(results, name)?.median);
  const crun = results.find(({ name }) => name.startsWith('crun'))?.median;
  const toCrun = (figures: readonly Figures[]) => {
    const [own, other] = [warmName, 'crun'].map((name) => figures.find((one) => one.name === name)?.median);
    return own && other && own / other;
  };
  return [
    goal('krun run, warm, × crun', warm && crun && warm / crun, 0.5),
    goal('krun run, warm, × floor', warm && floor && warm / floor, 1.35),
    goal('create+start+delete, warm, × crun', toCrun(lifecycle.cycle), 0.5),
    goal('exec, warm, × crun', toCrun(lifecycle.exec), 0.5),
    goal(`${startsAtOnce} at once, warm, × crun's time`, toCrun(scenarios.atOnce), 0.56),
    goal("docker's seccomp profile, all namespaces, warm, × crun", toCrun(scenarios.filtered), 0.6),
    goal(`${extraMounts} more mounts, warm, × crun`, toCrun(scenarios.manyMounts), 0.5),
  ];
}

function ratios(title: string, figures: readonly Figures[]): string[] {
  const [crun, runc] = ['crun', runcName].map((name) => figures.find((one) => one.name === name)?.median);
  const header = row(title, 'median ms', 'min', 'p90', '× crun', '× runc');
  const cells = ({ median, min, p90 }: Figures) => [
    median.toFixed(2),
    min.toFixed(2),
    p90.toFixed(2),
    ratio(median, crun),
    ratio(median, runc),
  ];
  return [header, ...figures.map((one) => row(one.name, ...cells(one)))];
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

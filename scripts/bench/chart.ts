// Draws the ratios of a bench's figures (npm run bench -- --json FILE) as SVG: node scripts/bench/chart.ts [FILE] >docs/bench.svg

import { readFileSync } from 'node:fs';
import { coldName, runcName, warmName } from './contenders.ts';
import type { LifecycleResults } from './lifecycle.ts';
import type { Machine } from './machine.ts';
import type { Figures } from './report.ts';
import { extraMounts, type ScenarioResults, startsAtOnce } from './scenarios.ts';

interface Bench {
  readonly at: string;
  readonly machine: Machine;
  readonly results: readonly Figures[];
  readonly lifecycle: LifecycleResults;
  readonly scenarios: ScenarioResults;
}

interface Group {
  readonly title: string;
  /** The shortest times over crun's: what else a busy machine does makes the others longer. */
  readonly ratios: readonly { readonly name: string; readonly ratio: number }[];
}

const names = [warmName, coldName, 'crun', runcName];
const colors = ['#0b7a75', '#5fb3ae', '#b0b4ba', '#7c818a'];
const [left, top, barHeight, gap, scale] = [250, 64, 14, 16, 180];

const bench = JSON.parse(readFileSync(process.argv[2] ?? '.cache/bench/results.json', 'utf8')) as Bench;
process.stdout.write(draw(groupsOf(bench), describe(bench)));

function groupsOf({ results, lifecycle, scenarios }: Bench): Group[] {
  return [
    group('run', results),
    group('create + start + delete', lifecycle.cycle),
    group('exec', lifecycle.exec),
    group(`${startsAtOnce} starts at once`, scenarios.atOnce),
    group('docker’s seccomp profile, all namespaces', scenarios.filtered),
    group(`${extraMounts} more mounts on the host`, scenarios.manyMounts),
  ].filter(({ ratios }) => ratios.length > 1);
}

// A crun that cannot load device rules on this machine goes without: "crun, no device rules".
function group(title: string, figures: readonly Figures[]): Group {
  const shortestOf = (name: string) => {
    const found = figures.find((one) => one.name === name || one.name.startsWith(`${name}, no`));
    return found?.min;
  };
  const crun = shortestOf('crun');
  if (crun === undefined) return { title, ratios: [] };
  return { title, ratios: names.map((name) => ({ name, ratio: (shortestOf(name) ?? 0) / crun })).filter(({ ratio }) => ratio > 0) };
}

function draw(groups: readonly Group[], caption: string): string {
  let y = top;
  const body = groups.map(({ title, ratios }) => {
    const label = text(left - 10, y + (ratios.length * barHeight) / 2 + 4, title, 'text-anchor="end"');
    const bars = ratios.map(({ name, ratio }, index) => bar(y + index * barHeight, ratio, colors[names.indexOf(name)] ?? ''));
    y += ratios.length * barHeight + gap;
    return [label, ...bars].join('\n');
  });
  const longest = Math.max(...groups.flatMap(({ ratios }) => ratios.map(({ ratio }) => ratio)));
  const width = Math.ceil(left + longest * scale + 60);
  return `<svg fill="#111" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 20}" viewBox="0 0 ${width} ${y + 20}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${text(10, 20, 'Shortest time of one command, as a share of crun’s (less is better)', 'font-weight="bold" font-size="14"')}
${names.map((name, index) => legend(index, name)).join('\n')}
${body.join('\n')}
<line x1="${left + scale}" y1="${top - 6}" x2="${left + scale}" y2="${y - gap + 4}" stroke="#333" stroke-dasharray="3 3"/>
${text(10, y + 10, caption, 'fill="#555"')}
</svg>
`;
}

function describe({ at, machine: { isVirtual, processors, architecture, load }, results }: Bench): string {
  const kind = `a ${isVirtual ? 'virtual machine' : 'machine'} with ${processors} processors (${architecture}), load average ${load.toFixed(0)}`;
  return `npm run bench, ${at.slice(0, 10)}, ${results[0]?.samples.length} runs each or fewer, on ${kind}`;
}

function bar(y: number, ratio: number, color: string): string {
  const length = (ratio * scale).toFixed(1);
  return `<rect x="${left}" y="${y}" width="${length}" height="${barHeight - 2}" fill="${color}"/>
${text(left + ratio * scale + 4, y + 10, `${ratio.toFixed(2)} ×`, 'font-size="10"')}`;
}

function legend(index: number, name: string): string {
  const x = 10 + index * 120;
  return `<rect x="${x}" y="34" width="12" height="12" fill="${colors[index]}"/>
${text(x + 18, 44, name)}`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content}</text>`;
}

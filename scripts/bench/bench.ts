// Measures all contenders; prints the results and keeps them as JSON.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { measureApi } from './api.ts';
import { makeBenchBundle } from './bundle.ts';
import { type Contender, contenders } from './contenders.ts';
import { measureLifecycle } from './lifecycle.ts';
import { describeMachine } from './machine.ts';
import { residentMemory } from './memory.ts';
import { recordFrame } from './record-frame.ts';
import { goalsOfSupervisor, type Result, report, reportApi, reportLifecycle, reportScenarios, summarize } from './report.ts';
import { measureInTurn, type Rounds } from './rounds.ts';
import { measureScenarios } from './scenarios.ts';
import { withSupervisor } from './with-supervisor.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '10' },
    json: { type: 'string', default: '.cache/bench/results.json' },
  },
});

const rounds: Rounds = { rounds: Number(values.rounds), runs: Number(values.runs) };
const bundle = makeBenchBundle();
try {
  const frame = await recordFrame(bundle);
  const { results, lifecycle, scenarios } = await withSupervisor(bundle.directory, async (socket) => ({
    results: await measureAll(contenders(bundle, frame, socket).filter((contender) => contender.isThere)),
    lifecycle: await measureLifecycle(bundle, socket, { ...rounds, runs: Math.ceil(rounds.runs / 2) }),
    scenarios: measureScenarios(bundle, socket, { ...rounds, runs: Math.ceil(rounds.runs / 2) }),
  }));
  console.log(report(results));
  console.log(`\n${reportLifecycle(lifecycle)}\n\n${reportScenarios(scenarios)}`);
  console.log(`\n${goalsOfSupervisor(results, lifecycle, scenarios).join('\n')}`);
  const api = await measureApi(bundle, rounds);
  console.log(`\n${reportApi(api)}`);
  mkdirSync(dirname(values.json), { recursive: true });
  const figures = { at: new Date().toISOString(), machine: describeMachine(), results, lifecycle, scenarios, api };
  writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nall figures: ${values.json}`);
} finally {
  rmSync(bundle.directory, { recursive: true, force: true });
}

async function measureAll(present: readonly Contender[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const [contender, milliseconds] of measureInTurn(present, rounds))
    results.push({ ...summarize(contender.name, milliseconds), memory: await residentMemory(contender) });
  return results;
}

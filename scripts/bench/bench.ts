// Measures each contender in turn, round after round, so that the machine's moods meet all of them alike; prints and keeps the results.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { makeBenchBundle } from './bundle.ts';
import { type Contender, contenders } from './contenders.ts';
import { residentMemory } from './memory.ts';
import { recordFrame } from './record-frame.ts';
import { type Result, report, summarize } from './report.ts';
import { time } from './time.ts';
import { withSupervisor } from './with-supervisor.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '10' },
    json: { type: 'string', default: '.cache/bench/results.json' },
  },
});

const bundle = makeBenchBundle();
try {
  const frame = await recordFrame(bundle);
  const results = await withSupervisor(bundle.directory, (socket) =>
    measureAll(contenders(bundle, frame, socket).filter((contender) => contender.isThere)),
  );
  console.log(report(results));
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ at: new Date().toISOString(), results }, null, 2)}\n`);
  console.log(`\nall figures: ${values.json}`);
} finally {
  rmSync(bundle.directory, { recursive: true, force: true });
}

async function measureAll(present: readonly Contender[]): Promise<Result[]> {
  const samples = new Map(present.map((contender) => [contender, [] as number[]]));
  for (const contender of present) time(contender, 3); // warm
  for (let round = 0; round < Number(values.rounds); round++) {
    const turn = round % present.length; // nobody always comes after the same one
    for (const contender of [...present.slice(turn), ...present.slice(0, turn)])
      samples.get(contender)?.push(...time(contender, Number(values.runs)));
  }
  const results: Result[] = [];
  for (const [contender, milliseconds] of samples)
    results.push({ ...summarize(contender.name, milliseconds), memory: await residentMemory(contender) });
  return results;
}

// What a Node program waits for a container of `true`: by the API, and by spawning a runtime, which forks the program itself.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Krun } from '../../runtime/index.ts';
import type { BenchBundle } from './bundle.ts';
import { type Figures, summarize } from './report.ts';
import type { Rounds } from './rounds.ts';

type Run = () => Promise<unknown>;

/** The API first, then krun and runc as child processes, each round in turn. */
export async function measureApi({ directory, quick }: BenchBundle, { rounds, runs }: Rounds): Promise<Figures[]> {
  await using krun = new Krun({ root: join(directory, 'api') });
  const present: readonly (readonly [name: string, run: Run])[] = [
    ['API', async () => (await krun.run({ bundle: quick, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' })).wait()],
    ['API, pipes', async () => (await krun.run({ bundle: quick })).wait()],
    ['spawn krun', () => ended('bin/krun', 'run', '--bundle', quick, 'krun-bench')],
    ...(spawnSync('runc', ['--version']).status === 0
      ? [['spawn runc', () => ended('runc', '--root', join(directory, 'runc'), 'run', '--bundle', quick, 'runc-bench')] as const]
      : []),
  ];
  const samples = present.map(() => [] as number[]);
  for (const [, run] of present) for (let time = 0; time < 5; time++) await run(); // warm
  for (let round = 0; round < rounds; round++)
    for (const [index, [, run]] of present.entries()) for (let time = 0; time < runs; time++) samples[index]?.push(await timed(run));
  return present.map(([name], index) => summarize(name, samples[index] ?? []));
}

async function timed(run: Run): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

async function ended(program: string, ...args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, KRUN_SUPERVISOR: 'off' } });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

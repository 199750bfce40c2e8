// create + start + delete, exec, and what stays beside a detached container: krun beside crun and runc.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { BenchBundle } from './bundle.ts';
import { type Contender, coldName, isCrunWithDevices, runcName, warmName } from './contenders.ts';
import { type Memory, memoryOfSession } from './memory.ts';
import { type Figures, summarize } from './report.ts';
import { measureInTurn, type Rounds } from './rounds.ts';

export interface LifecycleResults {
  readonly cycle: readonly Figures[];
  readonly exec: readonly Figures[];
  readonly detached: readonly (Memory & { readonly name: string })[];
}

interface Runtime {
  readonly name: string;
  readonly words: readonly string[];
  readonly bundle: { readonly quick: string; readonly lasting: string };
  readonly environment?: Readonly<Record<string, string>>;
}

/** `socket`: of a resident supervisor. */
export async function measureLifecycle(bundle: BenchBundle, socket: string, rounds: Rounds): Promise<LifecycleResults> {
  const runtimes = runtimesFor(bundle, socket);
  const cycle = figures(
    runtimes.map((runtime) => contender(runtime, cycleOf(runtime))),
    rounds,
  );
  const running = runtimes.filter((runtime) => run(runtime, 'run', '--detach', '--bundle', runtime.bundle.lasting, idOf(runtime)));
  try {
    const exec = figures(
      running.map((runtime) => contender(runtime, [...runtime.words, 'exec', idOf(runtime), '/bin/true'])),
      rounds,
    );
    return { cycle, exec, detached: await weigh(runtimes) };
  } finally {
    for (const runtime of running) run(runtime, 'delete', '--force', idOf(runtime));
  }
}

function runtimesFor(bundle: BenchBundle, socket: string): Runtime[] {
  const krun = ['bin/krun', '--root', join(bundle.directory, 'krun')];
  const other = (name: string) => [name, '--root', join(bundle.directory, name)];
  const all: Runtime[] = [
    { name: warmName, words: krun, bundle, environment: { KRUN_SUPERVISOR: socket } },
    { name: coldName, words: krun, bundle },
    { name: 'crun', words: other('crun'), bundle: isCrunWithDevices(bundle) ? bundle : bundle.withoutDevices },
    { name: runcName, words: other('runc'), bundle },
  ];
  return all.filter(({ words: [program = ''] }) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0);
}

function contender({ name, environment }: Runtime, command: readonly string[]): Contender {
  return { name, isThere: true, command, ...(environment === undefined ? {} : { environment }) };
}

// One shell for the three, the same for all.
function cycleOf({ words, bundle, name }: Runtime): string[] {
  const [runtime, id] = [words.join(' '), `cycle-${name.replace(/\W+/g, '-')}`];
  const script = `${runtime} create --bundle ${bundle.lasting} ${id} && ${runtime} start ${id} && ${runtime} delete --force ${id}`;
  return ['sh', '-c', `{ ${script}; } </dev/null >/dev/null 2>&1`];
}

function idOf({ name }: Runtime): string {
  return `exec-${name.replace(/\W+/g, '-')}`;
}

function run({ words: [program = '', ...words], environment }: Runtime, ...args: string[]): boolean {
  const env = { ...process.env, KRUN_SUPERVISOR: 'off', ...environment };
  return spawnSync(program, [...words, ...args], { stdio: 'ignore', env }).status === 0;
}

function figures(contenders: readonly Contender[], rounds: Rounds): Figures[] {
  return [...measureInTurn(contenders, rounds)].map(([{ name }, milliseconds]) => summarize(name, milliseconds));
}

// `run --detach` in a session of its own: whatever of it is left there, but the container's process, is the runtime's.
async function weigh(runtimes: readonly Runtime[]): Promise<LifecycleResults['detached']> {
  const weighed = [];
  for (const runtime of runtimes.filter(({ environment }) => environment === undefined)) {
    const id = `detached-${runtime.name.replace(/\W+/g, '-')}`;
    const script = `echo $$; ${runtime.words.join(' ')} run --detach --bundle ${runtime.bundle.lasting} ${id} </dev/null >/dev/null 2>&1`;
    const env = { ...process.env, KRUN_SUPERVISOR: 'off' };
    const session = Number(execFileSync('setsid', ['--wait', 'sh', '-c', script], { encoding: 'utf8', env }));
    weighed.push({ name: runtime.name, ...(await memoryOfSession(session)) });
    run(runtime, 'delete', '--force', id);
  }
  return weighed;
}

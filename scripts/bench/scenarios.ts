// Harder starts, krun beside crun and runc: many at once, docker's seccomp profile in all namespaces, a host with many mounts.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchBundle } from './bundle.ts';
import { type Contender, coldName, isCrunWithDevices, runcName, warmName } from './contenders.ts';
import { type Figures, summarize } from './report.ts';
import { measureInTurn, type Rounds } from './rounds.ts';

export interface ScenarioResults {
  /** Milliseconds for all of them. */
  readonly atOnce: readonly Figures[];
  readonly filtered: readonly Figures[];
  readonly manyMounts: readonly Figures[];
}

export const startsAtOnce = 100;
export const extraMounts = 264;

interface Runtime {
  readonly name: string;
  readonly words: readonly string[];
  readonly bundle: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** `socket`: of a resident supervisor. */
export function measureScenarios(bundle: BenchBundle, socket: string, rounds: Rounds): ScenarioResults {
  const runtimes = runtimesFor(bundle, socket);
  const filtered = runtimes.map((runtime) => ({ ...runtime, bundle: filteredBundle(bundle, runtime.bundle) }));
  return {
    atOnce: figures(runtimes.map(manyAtOnce), { ...rounds, runs: 1 }),
    filtered: figures(filtered.map(start).filter(works), rounds),
    manyMounts: withMounts(bundle, () => figures(runtimes.map(start), rounds)),
  };
}

function runtimesFor(bundle: BenchBundle, socket: string): Runtime[] {
  const krun = ['bin/krun', '--root', join(bundle.directory, 'krun')];
  const other = (name: string) => [name, '--root', join(bundle.directory, name)];
  const crunBundle = isCrunWithDevices(bundle) ? bundle.quick : bundle.withoutDevices.quick;
  const all: Runtime[] = [
    { name: warmName, words: krun, bundle: bundle.quick, environment: { KRUN_SUPERVISOR: socket } },
    { name: coldName, words: krun, bundle: bundle.quick },
    { name: 'crun', words: other('crun'), bundle: crunBundle },
    { name: runcName, words: other('runc'), bundle: bundle.quick },
  ];
  return all.filter(({ words: [program = ''] }) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0);
}

function start(runtime: Runtime): Contender {
  return contender(runtime, [...runtime.words, 'run', '--bundle', runtime.bundle, `one-${idOf(runtime)}`]);
}

// The shell is the same for all; the ids have one length.
function manyAtOnce(runtime: Runtime): Contender {
  const command = `${runtime.words.join(' ')} run --bundle ${runtime.bundle} ${idOf(runtime)}-$i`;
  const last = 1000 + startsAtOnce - 1;
  return contender(runtime, ['sh', '-c', `for i in $(seq 1000 ${last}); do ${command} </dev/null & done; wait`]);
}

function contender({ name, environment }: Runtime, command: readonly string[]): Contender {
  return { name, isThere: true, command, ...(environment === undefined ? {} : { environment }) };
}

function works({ name, command: [file = '', ...words], environment }: Contender): boolean {
  const env = { ...process.env, KRUN_SUPERVISOR: 'off', ...environment };
  const isGood = spawnSync(file, words, { stdio: 'ignore', env }).status === 0;
  if (!isGood) console.log(`${name} cannot do this here and is left out`);
  return isGood;
}

function idOf({ name }: Runtime): string {
  return `many-${name.replace(/\W+/g, '-')}`;
}

// The profile that docker writes, and a user namespace beside the six that are there already.
function filteredBundle({ directory }: BenchBundle, quick: string): string {
  const path = join(directory, `filtered-${quick.slice(quick.lastIndexOf('/') + 1)}`);
  const config = JSON.parse(readFileSync(join(quick, 'config.json'), 'utf8'));
  config.linux.seccomp = JSON.parse(readFileSync('spec/fixtures/seccomp-docker.json', 'utf8'));
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return path;
}

// In the mount namespace of the bench.
function withMounts<T>({ directory }: BenchBundle, use: () => T): T {
  const place = join(directory, 'mounts');
  mkdirSync(place);
  const script = (what: string) => `for i in $(seq ${extraMounts}); do ${what}; done`;
  execFileSync('sh', ['-c', script(`mkdir ${place}/$i && mount -t tmpfs none ${place}/$i`)]);
  try {
    return use();
  } finally {
    execFileSync('sh', ['-c', script(`umount ${place}/$i`)]);
  }
}

function figures(contenders: readonly Contender[], rounds: Rounds): Figures[] {
  return [...measureInTurn(contenders, rounds)].map(([{ name }, milliseconds]) => summarize(name, milliseconds));
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { type Bundle, makeBundle } from './bundle.ts';
import { type KrunResult, krunBinary, removeContainer, withArguments } from './krun.ts';
import { skipUnless } from './skip.ts';

const fetched = fileURLToPath(new URL('../../.cache/criu', import.meta.url));

/** With the criu that scripts/get-criu has found or fetched, or else the installed one. */
export const criuEnvironment = { ...process.env, PATH: `${fetched}:${process.env.PATH}:/usr/sbin` };
const program = criuEnvironment.PATH.split(':')
  .map((directory) => join(directory, 'criu'))
  .find((path) => existsSync(path));

/** `if (lacksCriu(t)) return;` at the beginning of a test that needs it. */
export function lacksCriu(t: ExecutionContext): boolean {
  t.timeout(120_000);
  return skipUnless(t, lackOfCriu ?? '', lackOfCriu === null);
}

/** What a test that needs criu lacks, or null. */
export const lackOfCriu: string | null = findLack();

function findLack(): string | null {
  if (process.getuid?.() !== 0) return 'root';
  if (program === undefined) return 'criu (scripts/get-criu)';
  return passes([]) ? null : 'a kernel that criu can work with';
}

/** Whether this kernel has one of criu's optional features (criu check --feature). */
export function hasCriuFeature(name: string): boolean {
  return lackOfCriu === null && passes(['--feature', name]);
}

function passes(args: readonly string[]): boolean {
  try {
    execFileSync(program ?? 'criu', ['check', ...args], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Another build of krun. */
  readonly binary?: string;
}

export interface Counter {
  readonly bundle: Bundle;
  readonly images: string;
  /** Where its standard output goes. */
  readonly output: string;
  /** krun with that output, appended to, and criu. */
  readonly krun: (args: readonly string[], options?: SpawnOptions) => Promise<KrunResult>;
  /** Waits until it has counted on, and says how far it is. */
  readonly nextCount: () => Promise<number>;
}

/** A program that counts, a line for each number, ten a second, until it is ended; TERM makes it leave with 7. */
export const counting = "trap 'exit 7' TERM; n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done";

/** A container that runs and counts. */
export async function startCounter(t: ExecutionContext, change: (config: Config) => unknown = (config) => config): Promise<Counter> {
  const bundle = await makeBundle(t, (config) => change(withArguments(config, ['sh', '-c', counting])));
  const output = join(bundle.path, 'output');
  t.teardown(() => removeContainer(bundle.id));
  const counter: Counter = {
    bundle,
    output,
    images: join(bundle.path, 'images'),
    krun: (args, options = {}) => runInto(output, args, options),
    nextCount: async () => {
      const before = await lastCount(output);
      return waitFor(async () => {
        const now = await lastCount(output);
        return now > before ? now : null;
      });
    },
  };
  const { status, stderr } = await counter.krun(['run', '--detach', '--bundle', bundle.path, bundle.id]);
  if (status !== 0) throw new Error(stderr);
  await counter.nextCount();
  return counter;
}

async function runInto(output: string, args: readonly string[], options: SpawnOptions): Promise<KrunResult> {
  const before = (await readFile(`${output}.errors`, 'utf8').catch(() => '')).length;
  const child = spawnInto(output, args, options);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const stderr = (await readFile(`${output}.errors`, 'utf8')).slice(before);
  return { status: code ?? -1, signal: signal ?? undefined, stdout: '', stderr };
}

/** krun with files as its output, which it appends to: criu knows no sockets, which a pipe of Node's is. */
export function spawnInto(output: string, args: readonly string[], { env = {}, binary = krunBinary }: SpawnOptions = {}): ChildProcess {
  const [file, errors] = [openSync(output, 'a'), openSync(`${output}.errors`, 'a')];
  try {
    return spawn(binary, args, { stdio: ['ignore', file, errors], env: { ...criuEnvironment, ...env }, timeout: 60_000 });
  } finally {
    closeSync(file);
    closeSync(errors);
  }
}

/** 0 when nothing is there yet. */
export async function lastCount(output: string): Promise<number> {
  const numbers = (await readFile(output, 'utf8').catch(() => '')).match(/^\d+$/gm) ?? [];
  return Number(numbers.at(-1) ?? 0);
}

/** The numbers that were counted must be all from 1 on, each once. */
export async function assertUnbroken(t: ExecutionContext, output: string): Promise<void> {
  const numbers = ((await readFile(output, 'utf8')).match(/^\d+$/gm) ?? []).map(Number);
  t.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
}

/** Until `look` finds something, for at most half a minute. */
export async function waitFor<T>(look: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error('waited in vain');
    await delay(20);
  }
}

export async function stateOf(id: string): Promise<{ readonly pid: number; readonly status: string }> {
  const { stdout } = await execa(krunBinary, ['state', id], { reject: false });
  return JSON.parse(stdout || '{"pid":0,"status":"gone"}') as { pid: number; status: string };
}

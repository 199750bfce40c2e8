import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type ConfigInput, Krun, type KrunOptions } from '../../runtime/index.ts';
import { type Bundle, baseConfig, makeBundle } from './bundle.ts';

export interface ApiFixture {
  readonly krun: Krun;
  readonly bundle: Bundle;
  /** The default configuration with this shell script as its process. */
  readonly script: (text: string) => ConfigInput;
  /** Ids that nobody else uses. */
  readonly newId: () => string;
}

/** An instance with a state root of its own, and a root file system to run in; all that is left of it at the end is killed. */
export async function useKrun(t: ExecutionContext, options: KrunOptions = {}): Promise<ApiFixture> {
  const bundle = await makeBundle(t);
  const krun = new Krun({ root: join(bundle.path, 'state'), ...options });
  t.teardown(async () => {
    await krun.close();
    await using cleaner = new Krun({ root: krun.root });
    for (const { id } of await cleaner.list()) await cleaner.delete(id, { force: true });
  });
  return { krun, bundle, script, newId: () => `test-${randomBytes(6).toString('hex')}` };
}

function script(text: string): ConfigInput {
  const config = baseConfig();
  return config.process === undefined ? config : { ...config, process: { ...config.process, args: ['sh', '-c', text] } };
}

/** Waits until something holds; fails after 30 seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error(`it never came to pass that ${what}`);
    await delay(5);
  }
}

/** The pids of a process' children. */
export function childrenOf(pid: number | 'self'): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** A Node program, an ES module that imports krun by its name, to its end. */
export function runProgram(source: string, args: readonly string[] = []): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--input-type=module', '-e', source, ...args],
      { cwd: packageRoot, timeout: 60_000, killSignal: 'SIGKILL' },
      (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr }),
    );
    child.stdin?.end('from the program');
  });
}

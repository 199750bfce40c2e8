// A container under limits, watched from outside: for tests that observe what a limit does, however slow the machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { makeBundle } from './bundle.ts';
import { makeCorner } from './cgroups.ts';
import { all, type ConfigChange, withLinux, withProcess, writableRoot } from './change-config.ts';
import { type KrunResult, krunBinary, removeContainer, runKrun } from './krun.ts';

export interface LimitedContainer {
  readonly id: string;
  /** Its cgroup. */
  readonly directory: string;
  /** What it has written to standard output so far. */
  readonly output: () => string;
  readonly status: Promise<number>;
  /** A file of its cgroup. */
  readonly file: (name: string) => string;
  /** A number of a flat-keyed file, such as oom_kill of memory.events. */
  readonly count: (name: string, key: string) => number;
  /** krun update with these resources; the test fails if it does. */
  readonly update: (resources: unknown) => Promise<void>;
  /** A shell in it. */
  readonly exec: (script: string) => Promise<KrunResult>;
}

export interface LimitedOptions {
  readonly change?: ConfigChange;
  /** The cgroup above its own, below the mount point; one of the test's own unless given. */
  readonly parent?: string;
  /** Makes more in its root file system. */
  readonly prepare?: (rootfs: string) => void;
}

/** Runs a shell script in a container with these resources. It has begun when this returns. */
export async function startLimited(
  t: ExecutionContext,
  resources: unknown,
  script: string,
  { change = (config) => config, parent = makeCorner(t).path, prepare }: LimitedOptions = {},
): Promise<LimitedContainer> {
  const name = `c${started++}`;
  const bundle = await makeBundle(
    t,
    all(
      writableRoot,
      withLinux({ cgroupsPath: `${parent}/${name}`, resources: resources as never }),
      withProcess({ args: ['/bin/sh', '-c', `echo begun; ${script}`] }),
      change,
    ),
  );
  prepare?.(bundle.rootfs);
  const child = execa(krunBinary, ['run', '--bundle', bundle.path, bundle.id], { reject: false, stdin: 'ignore', buffer: false });
  t.teardown(() => removeContainer(bundle.id));
  let [output, errors] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const status = child.then(({ exitCode }) => exitCode ?? -1);
  let ended = false;
  void status.then(() => (ended = true));
  await eventually(() => ended || output.includes('begun\n'));
  if (!output.includes('begun\n')) throw new Error(`the container did not start: ${errors}`);
  const directory = join(mountpoint, parent, name);
  const file = (of: string): string => readFileSync(join(directory, of), 'latin1').trim();
  return {
    id: bundle.id,
    directory,
    output: () => output,
    status,
    file,
    count: (of, key) => flat(file(of), key),
    update: async (changed) => {
      const { status: updated, stderr } = await runKrun(['update', '--resources=-', bundle.id], { stdin: 'pipe', input: toJson(changed) });
      t.is(updated, 0, stderr);
    },
    exec: (line) => runKrun(['exec', bundle.id, '/bin/sh', '-c', line], { timeout: 300_000 }),
  };
}

/** A number of a flat-keyed text; 0 if it is not there. */
export function flat(text: string, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Waits for a condition; throws after two minutes. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 120_000; !condition(); await delay(20)) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
  }
}

export const mebibyte = 1024 * 1024;
const mountpoint = '/sys/fs/cgroup';
let started = 0;

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));
}

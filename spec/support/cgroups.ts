// A corner of the cgroup2 tree for one test, and what a container's process tells from inside.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { readHostFacts } from '../../runtime/host/facts.ts';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { skipUnless } from './skip.ts';

export const hostFacts = readHostFacts({ pid: process.pid, uid: process.geteuid?.() ?? 0 });
const mountpoint = hostFacts.cgroup2?.mountpoint ?? '';

export interface Corner {
  readonly mountpoint: string;
  /** Below the mount point, made by the test and not by krun. */
  readonly path: string;
  /** The same on the host. */
  readonly directory: string;
}

let corners = 0;

/** True, and the test counts as skipped, where no cgroup can be made. */
export function skipWithoutCgroups(t: ExecutionContext): boolean {
  return skipUnless(t, 'root and a writable cgroup2', process.geteuid?.() === 0 && (hostFacts.cgroup2?.look('/').isWritable ?? false));
}

/** A cgroup of the test's own; with all that is left in it, it goes when the test ends. */
export function makeCorner(t: ExecutionContext): Corner {
  const path = `/krun-spec-${process.pid}-${corners++}`;
  const directory = mountpoint + path;
  mkdirSync(directory);
  t.teardown(() => removeTree(directory));
  return { mountpoint, path, directory };
}

export function createCgroup(path: string, fields: Partial<OpOf<'createCgroup'>> = {}): Op {
  const base = { pointer: '/linux/cgroupsPath', mountpoint, path, owner: '/run/krun/spec', required: [], wanted: [], cgroup: 'cgroup' };
  return { op: 'createCgroup', ...base, ...fields };
}

/** What a plan runs when it leaves. */
export function removeCgroup(path: string): Op {
  const program: Plan = [
    { op: 'killCgroup', pointer: '', cgroup: 'cgroup' },
    { op: 'removeCgroup', pointer: '', mountpoint, path, cgroup: 'cgroup' },
  ];
  return { op: 'onExit', pointer: '', program };
}

/** A process in the cgroup, in the host's root: a busybox command line. */
export function runInCgroup(script: string, cgroup: string | null = 'cgroup'): Plan {
  const program: Plan = [
    { op: 'findProgram', pointer: '', name: '/bin/busybox', searchPath: '' },
    { op: 'execute', pointer: '', arguments: ['busybox', 'sh', '-c', script], environment: ['PATH=/bin'] },
  ];
  return [
    { op: 'clone', pointer: '', flags: 0n, cgroup, program },
    { op: 'waitForExecute', pointer: '' },
    { op: 'wait', pointer: '' },
  ];
}

export function childrenOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

export function processesIn(directory: string): number[] {
  return readFileSync(join(directory, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
}

/** Whether a helper is in awaitChange, or about to be: nothing else holds a signalfd without a container. */
export function isAwaitingChange(pid: number): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[signalfd]');
}

/** Waits for a condition; throws after 10 seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !holds(condition); await delay(2)) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
  }
}

function holds(condition: () => boolean): boolean {
  try {
    return condition();
  } catch {
    return false; // what it looks at is not there yet
  }
}

async function removeTree(directory: string): Promise<void> {
  writeFileSync(join(directory, 'cgroup.freeze'), '0');
  writeFileSync(join(directory, 'cgroup.kill'), '1');
  await until(() => readFileSync(join(directory, 'cgroup.events'), 'latin1').includes('populated 0'));
  removeEmpty(directory);
}

function removeEmpty(directory: string): void {
  for (const name of childrenOf(directory)) removeEmpty(join(directory, name));
  rmdirSync(directory);
}

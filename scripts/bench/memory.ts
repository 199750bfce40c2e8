// What stays in memory beside a running container: the proportional set size of the contender's own processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contenders.ts';

export interface Memory {
  /** KiB. */
  readonly pss: number;
  readonly processes: number;
}

/** null without a lasting command, or if it ended before its container ran. */
export async function residentMemory({ lasting }: Contender): Promise<Memory | null> {
  if (lasting === undefined) return null;
  const [file = '', ...words] = lasting;
  const child = spawn(file, words, { stdio: 'ignore' });
  const payload = await findPayload(child);
  if (payload === undefined) return null;
  const own = await settled(child, payload);
  const memory = { pss: own.reduce((sum, pid) => sum + pss(pid), 0), processes: own.length };
  const ended = once(child, 'exit');
  process.kill(payload, 'SIGKILL');
  await ended;
  return memory;
}

/** Of what is left of a session, once it has settled. The container's process leads a session of its own. */
export async function memoryOfSession(session: number): Promise<Memory> {
  for (let before = 'none'; ; await delay(50)) {
    const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && sessionOf(name) === session);
    if (String(own) === before) return { pss: own.reduce((sum, pid) => sum + pss(Number(pid)), 0), processes: own.length };
    before = String(own);
  }
}

// proc_pid_stat(5), field 6; field 2 may hold blanks. A zombie is nothing any more.
function sessionOf(pid: string): number {
  const stat = contentOf(Number(pid), 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? -1 : Number(fields[3] ?? -1);
}

// The container's process, once it is what the bundle says.
async function findPayload(child: ChildProcess): Promise<number | undefined> {
  while (child.exitCode === null) {
    const found = descendants(child.pid ?? 0).find((pid) => contentOf(pid, 'comm').trim() === 'sleep');
    if (found !== undefined) return found;
    await delay(5);
  }
  return undefined;
}

// Some helpers are still on their way out when the container's process begins: two looks 50 ms apart must agree.
async function settled(child: ChildProcess, payload: number): Promise<number[]> {
  for (let before = ''; ; ) {
    const own = [child.pid ?? 0, ...descendants(child.pid ?? 0)].filter((pid) => pid !== payload && contentOf(pid, 'smaps_rollup') !== '');
    if (String(own) === before) return own;
    before = String(own);
    await delay(50);
  }
}

function descendants(parent: number): number[] {
  const children = contentOf(parent, `task/${parent}/children`).trim().split(' ').filter(Boolean).map(Number);
  const threads = readThreads(parent).filter((thread) => thread !== parent);
  const others = threads.flatMap((thread) => contentOf(parent, `task/${thread}/children`).trim().split(' ').filter(Boolean).map(Number));
  const all = [...children, ...others];
  return [...all, ...all.flatMap(descendants)];
}

function readThreads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function contentOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(contentOf(pid, 'smaps_rollup'))?.[1] ?? 0);
}

import { readFileSync } from 'node:fs';
import type { FailureReport } from '../errors/failure-report.ts';
import { KrunError } from '../errors/krun-error.ts';
import { type ProcessIdentity, readContainer } from './stored-state.ts';

/**
 * What the kernel answers to who joins a container that is about to end depends on how far it has come: it is one cause. null when
 * that is not what an exec has failed by.
 */
export function endedMeanwhile(root: string, id: string, { op, syscall }: FailureReport): KrunError | null {
  const isByRace = racing.includes(op) || syscall === 'clone3';
  if (!isByRace || !hasEnded(root, id)) return null;
  return new KrunError('E_NOT_RUNNING', `container not running: ${id} has stopped meanwhile`);
}

const racing: readonly string[] = ['openProcess', 'openCgroup', 'clone', 'setns', 'setrlimit'];

/**
 * Whether a container has ended or is about to: what becomes of its other processes follows from that. Their end comes before init's own is
 * to be seen (pid_namespaces(7)), so it counts as well that init is exiting, or that SIGKILL waits for it.
 */
export function hasEnded(root: string, id: string): boolean {
  try {
    const { init } = readContainer(root, id);
    return init === null || isEnding(init);
  } catch (error) {
    if (error instanceof KrunError && error.code === 'E_NO_CONTAINER') return true;
    throw error;
  }
}

function isEnding({ pid }: ProcessIdentity): boolean {
  const [stat, status] = [read(`/proc/${pid}/stat`), read(`/proc/${pid}/status`)];
  const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6] ?? exiting); // none: it has gone
  const pending = [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
  return (flags & exiting) !== 0 || pending.some((mask) => (mask & sigkill) !== 0n);
}

// PF_EXITING of the kernel's <linux/sched.h>, as /proc/PID/stat shows it (field 9); signal 9 is bit 8.
const exiting = 0x4;
const sigkill = 1n << 8n;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

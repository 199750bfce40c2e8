// Locks between processes. Node has no flock, but SQLite, which is part of it, locks its files by the kernel: a lock ends with who holds it.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

export type LockMode = 'shared' | 'exclusive';

/** Waits for its turn; `waiting` is called once, if it has to. Give it back by dispose. */
export async function acquireLock(file: string, mode: LockMode, waiting?: () => void): Promise<Disposable> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  for (let pause = 1; ; pause = Math.min(pause * 2, longestPause)) {
    const lock = tryLock(file, mode);
    if (lock !== null) return lock;
    if (pause === 1) waiting?.();
    await delay(pause);
  }
}

/** null while another holds it. */
export function tryLock(file: string, mode: LockMode): Disposable | null {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // Nothing is ever written: no journal, and nothing to recover after a crash. A read takes the shared lock and keeps it.
    database.exec(mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_schema');
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

const longestPause = 100;
const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

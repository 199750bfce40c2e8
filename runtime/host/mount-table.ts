import { readFileSync } from 'node:fs';
import { parseMountinfo } from './mountinfo.ts';

let isChanged: (() => boolean) | null = null;
let kept: string | null = null;
let relevant: string | null = null;

/** /proc/<pid>/mountinfo, '' when there is none. */
export function readMountTable(proc: string, pid: number): string {
  if (isChanged === null) return read(`${proc}/${pid}/mountinfo`);
  refresh(isChanged, proc);
  return kept ?? '';
}

/**
 * For a supervisor whose callers all have its own mount namespace and root: the table is read anew when `changed` says so, which asks the
 * kernel each time.
 */
export function keepMountTable(changed: () => boolean): void {
  isChanged = changed;
}

/** What plans depend on in the kept table, as text. */
export function relevantMounts(): string {
  if (isChanged !== null) refresh(isChanged, '/proc');
  relevant ??= JSON.stringify(parseMountinfo(kept ?? '', ['cgroup2', 'cgroup', 'resctrl']));
  return relevant;
}

function refresh(changed: () => boolean, proc: string): void {
  if (!changed() && kept !== null) return;
  kept = read(`${proc}/self/mountinfo`);
  relevant = null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

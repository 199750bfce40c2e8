import { readFileSync } from 'node:fs';

let isChanged: (() => boolean) | null = null;
let kept: string | null = null;

/** /proc/<pid>/mountinfo, '' when there is none. */
export function readMountTable(proc: string, pid: number): string {
  if (isChanged === null) return read(`${proc}/${pid}/mountinfo`);
  if (isChanged() || kept === null) kept = read(`${proc}/self/mountinfo`);
  return kept;
}

/**
 * For a supervisor whose callers all have its own mount namespace and root: the table is read anew when `changed` says so, which asks the
 * kernel each time.
 */
export function keepMountTable(changed: () => boolean): void {
  isChanged = changed;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

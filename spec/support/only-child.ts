import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

/** The pid of a process's one child, as soon as it has one. */
export async function onlyChild(pid: number): Promise<number> {
  for (;;) {
    const [child] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ');
    if (child) return Number(child);
    await setImmediate();
  }
}

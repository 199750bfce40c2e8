import { readdirSync, readFileSync } from 'node:fs';

/** The pids in a cgroup and in all below it, ascending; what goes while we read is left out. */
export function processesOf(directory: string): number[] {
  return collect(directory).sort((a, b) => a - b);
}

// 0 stands for a process outside of our pid namespace. A threaded cgroup lists none itself (EOPNOTSUPP): its domain does.
function collect(directory: string): number[] {
  const own = readLines(`${directory}/cgroup.procs`)
    .map(Number)
    .filter((pid) => pid > 0);
  return [...own, ...childrenOf(directory).flatMap((name) => collect(`${directory}/${name}`))];
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function childrenOf(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

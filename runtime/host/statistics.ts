import { readdirSync, readFileSync } from 'node:fs';
import { readStatistics, type Statistics } from '../cgroup/statistics.ts';
import { processesOf } from './cgroup-processes.ts';

/** The statistics of the cgroup in this directory; what cannot be read is left out. */
export function statisticsOf(directory: string): Statistics {
  return readStatistics({
    read: (name) => readCgroupFile(directory, name),
    processes: processesOf(directory).length,
    hugepageSizes: hugepageSizes(directory),
  });
}

/** null when the cgroup has no such file, or the kernel does not account for it. */
export function readCgroupFile(directory: string, name: string): string | null {
  try {
    return readFileSync(`${directory}/${name}`, 'latin1');
  } catch {
    return null;
  }
}

function hugepageSizes(directory: string): string[] {
  try {
    return readdirSync(directory).flatMap((name) => /^hugetlb\.([^.]+)\.current$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

// Why a container ended as it did, by what its cgroup has counted: what people otherwise look for in the kernel's log.

/** What the cgroup of a container that failed has counted; null where the host has no such controller on cgroup v2. */
export interface Counted {
  /** memory.events: processes that the kernel has killed for want of memory. Not `oom`, which may have been mended (cgroup-v2.rst). */
  readonly oomKills: number | null;
  /** pids.events: forks that were refused. */
  readonly refusedForks: number | null;
  /** The container's own limits, in bytes and processes; null for none. */
  readonly memoryLimit: string | null;
  readonly pidsLimit: string | null;
}

/** One line with the remedy for each limit that was hit; none if that is not why. Only for a status that is not 0. */
export function explainEnd({ oomKills, refusedForks, memoryLimit, pidsLimit }: Counted): string[] {
  return [
    ...(oomKills ? [explainMemory(oomKills, memoryLimit)] : []),
    ...(refusedForks ? [`${times(refusedForks)} a new process was refused: ${explainPids(pidsLimit)}`] : []),
  ];
}

function explainMemory(kills: number, limit: string | null): string {
  const killed = `out of memory: the kernel killed ${kills === 1 ? 'a process' : `${kills} processes`} of the container`;
  if (limit === null) return `${killed}, which has no limit of its own: the host, or a cgroup above, has too little memory`;
  return `${killed} at its limit of ${limit} bytes: raise linux.resources.memory.limit`;
}

function explainPids(limit: string | null): string {
  if (limit === null) return 'the container has no limit of its own: raise pids.max of the cgroups above';
  return `the container was at its limit of ${limit} processes and threads: raise linux.resources.pids.limit`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

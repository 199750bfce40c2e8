// In which namespaces a process is: the links of /proc/PID/ns (namespaces(7)).
import { readlinkSync } from 'node:fs';
import { type NamespaceType, namespaceTypes } from '../config/namespaces.ts';

/** Those types of which two processes have different ones; null when the caller may not look (ptrace(2), PTRACE_MODE_READ). */
export function namespacesApart(one: number, other: number): readonly NamespaceType[] | null {
  try {
    return namespaceTypes.filter((type) => read(one, type) !== read(other, type));
  } catch {
    return null;
  }
}

// A kernel without this kind has no such link.
function read(pid: number, type: NamespaceType): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${fileNames[type]}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

const fileNames = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
} as const satisfies Record<NamespaceType, string>;

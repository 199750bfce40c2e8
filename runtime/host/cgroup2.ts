// Where cgroup2 is, and what its cgroups are like. Read-only.
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import type { Cgroup2Facts, CgroupFacts } from '../plan/host-facts.ts';
import { type MountEntry, parseMountinfo } from './mountinfo.ts';

/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const cgroup2Magic = 0x63677270;

export interface Cgroup2Sources {
  /** The text of /proc/PID/mountinfo. */
  readonly mountinfo: string;
  /** The text of /proc/PID/cgroup. */
  readonly cgroup: string;
  /** Whether what a path leads to is cgroup2: a mount may be covered by another. */
  readonly isCgroup2: (path: string) => boolean;
  readonly sysBlock: string;
}

/** The cgroup2 mount to use, or null. Of several the one of the whole hierarchy is best, then the one with the shortest path. */
export function findCgroup2({ mountinfo, cgroup, isCgroup2, sysBlock }: Cgroup2Sources): Cgroup2Facts | null {
  const mount = parseMountinfo(mountinfo, ['cgroup2'])
    .toSorted((a, b) => rank(a) - rank(b))
    .find(({ mountpoint }) => isCgroup2(mountpoint));
  if (mount === undefined) return null;
  const { mountpoint } = mount;
  return {
    mountpoint,
    own: relativeTo(mount.root, ownPath(cgroup)),
    look: (path) => lookAt(mountpoint + (path === '/' ? '' : path)),
    get ioWeightFiles() {
      return findIoWeightFiles(mountpoint, sysBlock);
    },
    get delegatable() {
      return readWords('/sys/kernel/cgroup/delegate') ?? ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];
    },
  };
}

export function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === cgroup2Magic;
  } catch {
    return false;
  }
}

/** Which v1 hierarchy holds which controller: /proc/cgroups numbers the hierarchies, 0 being v2 or none. */
export function findVersion1Controllers(mountinfo: string, cgroups: string): Map<string, string> {
  const mounts = parseMountinfo(mountinfo, ['cgroup']);
  const found = new Map<string, string>();
  for (const line of cgroups.split('\n')) {
    const [name = '', hierarchy = '0'] = line.split('\t');
    if (name === '' || name.startsWith('#') || hierarchy === '0') continue;
    const controller = name === 'blkio' ? 'io' : name;
    found.set(controller, mounts.find(({ superOptions }) => superOptions.includes(name))?.mountpoint ?? '');
  }
  return found;
}

// A root such as /../.. lies above our cgroup namespace.
function rank({ root, mountpoint }: MountEntry): number {
  return (root === '/' ? 0 : root.startsWith('/..') ? 1_000_000 : 500_000) + mountpoint.length;
}

function ownPath(cgroup: string): string | null {
  const line = cgroup.split('\n').find((candidate) => candidate.startsWith('0::'));
  return line === undefined ? null : line.slice(3).replace(/ \(deleted\)$/, '');
}

// Both are as our cgroup namespace sees them. One that begins with /.. is outside of that namespace: its name is not to be had.
function relativeTo(root: string, own: string | null): string | null {
  if (own === null || own.startsWith('/..') || root.startsWith('/..')) return null;
  if (root === '/') return own;
  if (own === root) return '/';
  return own.startsWith(`${root}/`) ? own.slice(root.length) : null;
}

function lookAt(directory: string): CgroupFacts {
  const controllers = existsSync(directory) ? readWords(`${directory}/cgroup.controllers`) : null; // an exception is dear
  return {
    exists: controllers !== null,
    controllers: controllers ?? [],
    get enabled() {
      return readWords(`${directory}/cgroup.subtree_control`) ?? [];
    },
    get isWritable() {
      return [directory, `${directory}/cgroup.procs`].every(isWritable);
    },
  };
}

function readWords(path: string): string[] | null {
  try {
    return readFileSync(path, 'utf8')
      .split(/\s+/)
      .filter((word) => word !== '');
  } catch {
    return null; // no such cgroup, or it is not ours to see
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

// Neither file is in the root of the hierarchy, but what registers them shows: the scheduler bfq, and the cost model of io.weight.
// In a container the mount's root is another cgroup and may have io.weight itself.
function findIoWeightFiles(mountpoint: string, sysBlock: string): string[] {
  const files = [];
  if (listDirectory(sysBlock).some((disk) => readWords(`${sysBlock}/${disk}/queue/scheduler`)?.some((word) => /^\[?bfq\]?$/.test(word))))
    files.push('io.bfq.weight');
  if (['io.cost.qos', 'io.weight'].some((file) => readWords(`${mountpoint}/${file}`) !== null)) files.push('io.weight');
  return files;
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

// config-linux.md#cgroup-ownership: a container whose cgroup mount is writable may have cgroups of its own below its own.
import type { Config, IdMapping } from '../config/config.ts';
import type { HostFacts } from './host-facts.ts';
import type { Op } from './ops.ts';

/** Gives the container's cgroup to the user who runs its process, where that is not its owner anyway. Its limits stay the host's. */
export function planDelegation(config: Config, { euid, cgroup2 }: HostFacts): Op[] {
  if (euid !== 0 || cgroup2 === null || !hasOwnNamespace(config) || !isWritable(config)) return [];
  const uid = onHost(config);
  return uid === null || uid === 0
    ? []
    : [{ op: 'delegateCgroup', pointer: '/linux/cgroupsPath', cgroup: 'cgroup', uid, files: cgroup2.delegatable }];
}

function hasOwnNamespace({ linux }: Config): boolean {
  return linux?.namespaces?.some(({ type, path }) => type === 'cgroup' && path === undefined) ?? false;
}

// The last mount there is the one that the process sees.
function isWritable({ mounts = [] }: Config): boolean {
  const mount = mounts.findLast(({ destination }) => destination === '/sys/fs/cgroup');
  return mount !== undefined && ['cgroup', 'cgroup2'].includes(mount.type ?? '') && !mount.options?.includes('ro');
}

// Null where the maps are not known: in a user namespace that is joined.
function onHost({ linux, process }: Config): number | null {
  const uid = process?.user?.uid ?? 0;
  const user = linux?.namespaces?.find(({ type }) => type === 'user');
  if (user === undefined) return uid;
  return user.path === undefined ? mapped(uid, linux?.uidMappings ?? []) : null;
}

function mapped(uid: number, mappings: readonly IdMapping[]): number | null {
  const mapping = mappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return mapping === undefined ? null : mapping.hostID + uid - mapping.containerID;
}

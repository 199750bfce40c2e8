import { KrunError } from '../errors/krun-error.ts';
import { moveMount, openTree, refuseData } from './bind-mount.ts';
import { cleanPath } from './clean-path.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import { ownsNamespace } from './namespace-owner.ts';
import { planNewMount } from './new-mount.ts';

/**
 * cgroup2, also where the host still has v1 hierarchies beside it. In a cgroup namespace of the container's own it is mounted; with one
 * that may not be mounted in (EPERM in a user namespace) the container's own cgroup is bound. Without one the paths of /proc/PID/cgroup
 * are the host's, and so is, as with runc, what the mount shows: bound all the same, for a mount from the host's cgroup namespace would
 * change the options of the host's own (nsdelegate, memory_recursiveprot: cgroup-v2.rst).
 */
export function planCgroupMount(request: MountRequest): Partial<MountPlan> {
  const { config, pointer, options, context } = request;
  if (ownsNamespace(config, 'cgroup')) return planNewMount(request, 'cgroup2');
  refuseData(options, pointer);
  const hasNamespace = config.linux?.namespaces?.some(({ type }) => type === 'cgroup') === true;
  const source = hasNamespace ? context.cgroup && cleanPath(`${context.cgroup.mountpoint}/${context.cgroup.path}`) : context.cgroup2;
  if (source === null)
    throw new KrunError('E_NO_CGROUP2', 'there is no cgroup that could be shown', {
      pointer,
      hint: 'add {"type": "cgroup"} to linux.namespaces, or leave this mount out',
    });
  return { open: [openTree(request, { ...options, source, recursive: false, idmap: null })], attach: [moveMount(request)] };
}

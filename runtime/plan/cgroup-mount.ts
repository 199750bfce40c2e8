import { KrunError } from '../errors/krun-error.ts';
import { moveMount, openTree, refuseData } from './bind-mount.ts';
import { cleanPath } from './clean-path.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import { ownsNamespace } from './namespace-owner.ts';
import { planNewMount } from './new-mount.ts';

/**
 * cgroup2, also where the host still has v1 hierarchies beside it. In a cgroup namespace of the container's own the mount
 * shows just its cgroup; without one the host's whole tree would be seen, or in a user namespace the mount be refused
 * (EPERM), so that the container's own cgroup is bound instead.
 */
export function planCgroupMount(request: MountRequest): Partial<MountPlan> {
  if (ownsNamespace(request.config, 'cgroup')) return planNewMount(request, 'cgroup2');
  const { pointer, options, context } = request;
  refuseData(options, pointer);
  if (context.cgroup === null)
    throw new KrunError('E_NO_CGROUP2', 'the container has no cgroup that could be shown', {
      pointer,
      hint: 'add {"type": "cgroup"} to linux.namespaces, or leave this mount out',
    });
  const source = cleanPath(`${context.cgroup.mountpoint}/${context.cgroup.path}`);
  return { open: [openTree(request, { ...options, source, recursive: false, idmap: null })], attach: [moveMount(request)] };
}

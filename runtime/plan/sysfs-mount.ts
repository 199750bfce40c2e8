import { moveMount, openTree, refuseData } from './bind-mount.ts';
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY } from './constants/mount.ts';
import { attributesOfNewMount } from './mount-options.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import { hasUserNamespace, ownsNamespace } from './namespace-owner.ts';
import { planNewMount } from './new-mount.ts';

/**
 * sysfs shows a network namespace, and in a user namespace only its owner may mount it. For others the host's /sys is bound:
 * read-only whatever the options say, and so is all that is mounted below it (CVE-2023-25809: a cgroupfs left writable).
 */
export function planSysfsMount(request: MountRequest): Partial<MountPlan> {
  const { config, pointer, options } = request;
  if (!hasUserNamespace(config) || ownsNamespace(config, 'network')) return planNewMount(request);
  refuseData(options, pointer);
  const set = attributesOfNewMount(options) | harmless;
  const clear = (options.recursiveAttributes.clear | options.attributes.clear) & ~harmless;
  const tree = { source: '/sys', recursive: true, attributes: none, recursiveAttributes: { set, clear }, idmap: null };
  return { open: [openTree(request, { ...tree, propagation: options.propagation })], attach: [moveMount(request)] };
}

const harmless = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
const none = { set: 0n, clear: 0n };

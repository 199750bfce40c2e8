import type { Config, Mount } from '../config/config.ts';
import { planBind } from './bind-mount.ts';
import { planCgroupMount } from './cgroup-mount.ts';
import type { FileSystemContext } from './file-system-context.ts';
import { type Destination, mountDestination } from './mount-destination.ts';
import { type MountOptions, parseMountOptions } from './mount-options.ts';
import { planNewMount } from './new-mount.ts';
import type { Op } from './ops.ts';
import { planRemount } from './remount.ts';
import { planSysfsMount } from './sysfs-mount.ts';

/** One entry of mounts with what follows from it. */
export interface MountRequest {
  readonly mount: Mount;
  readonly index: number;
  /** /mounts/3; without its first slash also the name of the slot that holds the tree or mount. */
  readonly pointer: string;
  readonly options: MountOptions;
  readonly destination: Destination;
  readonly config: Config;
  readonly context: FileSystemContext;
}

export interface MountPlan {
  /** Opens trees of the host, before the container's root is there. */
  readonly open: readonly Op[];
  /** Mounts below the root, in the order of config.json. */
  readonly attach: readonly Op[];
  /** Last of all: read-only what had to be writable while mount points and devices were made in it. */
  readonly after: readonly Op[];
}

/** Every mount of config.json, in its order (config.md#mounts). Throws E_BAD_MOUNT for what is refused. */
export function planMounts(config: Config, context: FileSystemContext): MountPlan {
  const plans = (config.mounts ?? []).map((mount, index) => planMount(mount, index, config, context));
  return {
    open: plans.flatMap(({ open = [] }) => open),
    attach: plans.flatMap(({ attach = [] }) => attach),
    after: plans.flatMap(({ after = [] }) => after),
  };
}

function planMount(mount: Mount, index: number, config: Config, context: FileSystemContext): Partial<MountPlan> {
  const options = parseMountOptions(mount.options);
  const destination = mountDestination(mount, options, index);
  const request: MountRequest = { mount, index, pointer: `/mounts/${index}`, options, destination, config, context };
  if (options.remount) return planRemount(request);
  if (options.bind) return planBind(request);
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return planCgroupMount(request);
  if (mount.type === 'sysfs') return planSysfsMount(request);
  return planNewMount(request);
}

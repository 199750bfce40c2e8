import type { Config } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { planDevices } from './devices.ts';
import type { FileSystemContext } from './file-system-context.ts';
import { planMaskedPaths } from './masked-paths.ts';
import { planMounts } from './mounts.ts';
import type { Op } from './ops.ts';
import { planRoot } from './rootfs.ts';

/**
 * The parts of the plan that make the container's file systems, in the order in which they run. The slots that they share
 * are `root`, `null`, and one a tree, named for where it comes from: `mounts/3`, `devices/dev/null`.
 */
export interface FileSystemPlan {
  /** On the host, before clone and after createCgroup (a mount may show that cgroup). Empty without privileges. */
  readonly host: readonly Op[];
  /** In the child, once it is in all its namespaces: the root with everything mounted and made in it. */
  readonly root: readonly Op[];
  /** In the child, after root and the createContainer hooks: read-only and masked paths. */
  readonly seal: readonly Op[];
  readonly pivot: readonly Op[];
  /** In the child, after the working directory has been made: what had to be writable until now becomes read-only. */
  readonly after: readonly Op[];
}

/** Compiles root, mounts, linux.devices, maskedPaths, readonlyPaths and rootfsPropagation. Pure; throws KrunError with a pointer. */
export function planFileSystems(config: Config, context: FileSystemContext): FileSystemPlan {
  needMountNamespace(config);
  const root = planRoot(config, context);
  const mounts = planMounts(config, context);
  const devices = planDevices(config, context);
  const masks = planMaskedPaths(config);
  const trees = [...mounts.open, ...devices.open];
  return {
    host: context.privileged ? trees : [],
    root: [...root.isolate, ...(context.privileged ? [] : trees), ...masks.open, ...root.open, ...mounts.attach, ...devices.make],
    seal: masks.seal,
    pivot: root.pivot,
    after: [...mounts.after, ...root.readonly],
  };
}

// Without one all of this would happen to the host.
function needMountNamespace({ linux }: Config): void {
  if (linux?.namespaces?.some(({ type }) => type === 'mount')) return;
  throw new KrunError('E_NAMESPACE', 'a container must have a mount namespace', {
    pointer: '/linux/namespaces',
    hint: 'add {"type": "mount"} to linux.namespaces',
  });
}

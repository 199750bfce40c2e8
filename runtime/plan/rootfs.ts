import type { Config, Propagation } from '../config/config.ts';
import { fromBundle } from './clean-path.ts';
import { MOUNT_ATTR_RDONLY, MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from './constants/mount.ts';
import type { FileSystemContext } from './file-system-context.ts';
import { hasUserNamespace } from './namespace-owner.ts';
import type { Op } from './ops.ts';

export interface RootPlan {
  /** Cuts the namespace off from the host's: nothing may be mounted before. */
  readonly isolate: readonly Op[];
  /** Opens the root; from here on every path is below the slot `root`. */
  readonly open: readonly Op[];
  readonly pivot: readonly Op[];
  /** The last of all file system ops: mount points, devices and cwd have been made. */
  readonly readonly: readonly Op[];
}

/** The host path of the root file system (config.md#root). */
export function rootfsPath({ root }: Config, bundle: string): string {
  return fromBundle(bundle, root.path);
}

/** The root file system: root.path or layers above it, and linux.rootfsPropagation. */
export function planRoot(config: Config, context: FileSystemContext): RootPlan {
  const asked = config.linux?.rootfsPropagation;
  const { type, recursive } = asked === undefined ? { type: MS_SLAVE, recursive: true } : propagations[asked];
  const pointer = asked === undefined ? '' : '/linux/rootfsPropagation';
  return {
    isolate: [
      { op: 'setPropagation', pointer, path: '/', mount: null, propagation: seesHost(type) ? MS_SLAVE : MS_PRIVATE, recursive: true },
    ],
    open: [openRoot(config, context, asked !== undefined && type === MS_SLAVE ? MS_SLAVE : MS_PRIVATE)],
    pivot: [{ op: 'pivotRoot', pointer, root: 'root', ...(isForPivotedRoot(type) ? { propagation: type, recursive } : untouched) }],
    readonly:
      config.root.readonly === true
        ? [{ op: 'setMountAttributes', pointer: '/root/readonly', mount: 'root', set: MOUNT_ATTR_RDONLY, clear: 0n, recursive: false }]
        : [],
  };
}

const propagations: Readonly<Record<Propagation, { readonly type: number; readonly recursive: boolean }>> = {
  private: { type: MS_PRIVATE, recursive: false },
  rprivate: { type: MS_PRIVATE, recursive: true },
  slave: { type: MS_SLAVE, recursive: false },
  rslave: { type: MS_SLAVE, recursive: true },
  shared: { type: MS_SHARED, recursive: false },
  rshared: { type: MS_SHARED, recursive: true },
  unbindable: { type: MS_UNBINDABLE, recursive: false },
  runbindable: { type: MS_UNBINDABLE, recursive: true },
};

// Never shared, whatever is asked for: until the root is pivoted, what we mount would show on the host (SECURITY.md F1).
// Binds that are to share with the host are its peers already, by openTree.
function seesHost(type: number): boolean {
  return type === MS_SLAVE || type === MS_SHARED;
}

// A shared or unbindable root cannot be had before: pivot_root(2) refuses the one, and the other could not be bound.
function isForPivotedRoot(type: number): boolean {
  return type === MS_SHARED || type === MS_UNBINDABLE;
}

const untouched = { propagation: 0, recursive: false };

function openRoot(config: Config, { bundle, layers, inUserNamespace }: FileSystemContext, propagation: number): Op {
  const path = rootfsPath(config, bundle);
  if (layers === null)
    return { op: 'openRoot', pointer: '/root/path', path, recursive: true, propagation, userNamespace: null, root: 'root' };
  return {
    op: 'openOverlayRoot',
    pointer: '/root/path',
    lowers: [path, ...layers.lowers],
    upper: layers.writable?.upper ?? '',
    work: layers.writable?.work ?? '',
    // overlay keeps its notes in trusted.* attributes, which a user namespace may not write.
    options: inUserNamespace || hasUserNamespace(config) ? ['userxattr'] : [],
    size: layers.size,
    root: 'root',
  };
}

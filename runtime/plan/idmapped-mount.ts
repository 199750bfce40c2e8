import { CLONE_NEWUSER } from './constants/namespaces.ts';
import { formatIdMap } from './id-map.ts';
import type { MountRequest } from './mounts.ts';
import type { Op } from './ops.ts';
import { refuseMount } from './refuse-mount.ts';

export interface Idmap {
  /** Makes or opens the user namespace that maps. */
  readonly open: readonly Op[];
  readonly userNamespace: string;
  /** ridmap: of all that is mounted below the source too. */
  readonly recursive: boolean;
}

/**
 * The user namespace of an idmapped mount, or null. The mount's own mappings hold; with the option alone those of the
 * container's user namespace (config.md#posix-platform-mounts).
 */
export function planIdmap({ mount, pointer, options, config, context }: MountRequest): Idmap | null {
  const hasMappings = mount.uidMappings !== undefined || mount.gidMappings !== undefined;
  if (options.idmap === null && !hasMappings) return null;
  if (!context.privileged)
    refuseMount(
      pointer,
      'an idmapped mount needs privileges on the host',
      "without them leave out idmap, or give the files to the container's ids",
    );
  const userNamespace = `${pointer.slice(1)}/idmap`;
  return { open: [openMapping()], userNamespace, recursive: options.idmap === 'tree' };

  function openMapping(): Op {
    const joined = config.linux?.namespaces?.find(({ type }) => type === 'user')?.path;
    if (!hasMappings && joined !== undefined)
      return { op: 'openNamespace', pointer, path: joined, type: CLONE_NEWUSER, foreign: false, namespace: userNamespace };
    const { uidMappings, gidMappings } = hasMappings ? mount : (config.linux ?? {});
    if (uidMappings === undefined || gidMappings === undefined)
      refuseMount(
        pointer,
        'an idmapped mount must have uidMappings and gidMappings',
        'without its own it takes those of the user namespace',
      );
    return {
      op: 'createUserNamespace',
      pointer,
      uidMap: formatIdMap(uidMappings),
      gidMap: formatIdMap(gidMappings),
      namespace: userNamespace,
    };
  }
}

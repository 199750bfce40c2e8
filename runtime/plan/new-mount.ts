import { isMapped } from '../config/id-mappings.ts';
import { MOUNT_ATTR_RDONLY } from './constants/mount.ts';
import { contextOption, labelQueues } from './mount-label.ts';
import { attributesOfNewMount, type MountOptions } from './mount-options.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import type { Op } from './ops.ts';
import { overlayData } from './overlay-data.ts';
import { refuseMount } from './refuse-mount.ts';

/** A new file system; `type` as the kernel knows it. */
export function planNewMount(request: MountRequest, type: string | undefined = request.mount.type): Partial<MountPlan> {
  const { mount, pointer, options, destination } = request;
  if (type === undefined || type === '') refuseMount(`${pointer}/type`, 'must be given unless an option is bind or rbind');
  refuseWhatOnlyOthersHave(request, type);
  const attributes = attributesOfNewMount(options);
  const isReadonlyLater = type === 'tmpfs' && (attributes & MOUNT_ATTR_RDONLY) !== 0n;
  const label = request.config.linux?.mountLabel;
  const isLabelledLater = type === 'mqueue' && label !== undefined;
  const slot = isReadonlyLater || isLabelledLater || options.propagation !== null ? pointer.slice(1) : null;
  const op: Op = {
    op: 'mount',
    pointer,
    root: 'root',
    destination: destination.path,
    type,
    source: mount.source ?? type,
    options: [...superblockOptions(type, attributes, options), ...dataOptions(request, type)],
    attributes: isReadonlyLater ? attributes & ~MOUNT_ATTR_RDONLY : attributes,
    exact: destination.exact,
    copyUp: options.copyUp,
    keepMode: type === 'tmpfs' && !options.data.some(({ text }) => text.startsWith('mode=')),
    mount: slot,
  };
  return {
    attach: [op, ...labelQueues(type, label, pointer, slot), ...propagationOf(request, slot)],
    after: isReadonlyLater ? [{ op: 'setMountAttributes', pointer, mount: slot, set: MOUNT_ATTR_RDONLY, clear: 0n, recursive: false }] : [],
  };
}

function refuseWhatOnlyOthersHave({ mount, pointer, options, config }: MountRequest, type: string): void {
  if (options.copyUp && type !== 'tmpfs') refuseMount(pointer, 'tmpcopyup is for a mount of type tmpfs');
  if (options.idmap !== null || mount.uidMappings !== undefined || mount.gidMappings !== undefined)
    refuseMount(pointer, 'only a bind mount can have its ids mapped', 'add "bind" or "rbind" to options');
  if (!takesOwners.has(type)) return;
  for (const { text, index } of options.data) {
    const [, kind, digits] = /^([ug]id)=(\d+)$/.exec(text) ?? [];
    const mappings = kind === 'gid' ? config.linux?.gidMappings : config.linux?.uidMappings;
    if (kind === undefined || mappings === undefined || isMapped(mappings, Number(digits))) continue;
    refuseMount(
      `${pointer}/options/${index}`,
      `${kind} ${digits} has no mapping in the container's user namespace`,
      `map it in linux.${kind}Mappings, or leave ${JSON.stringify(text)} out`,
    );
  }
}

// File systems whose uid= and gid= are ids of the container: one without a mapping gets no more than EINVAL from the kernel.
const takesOwners: ReadonlySet<string> = new Set(['devpts', 'hugetlbfs', 'ramfs', 'tmpfs']);

// "ro" and its like change the superblock. Those of the kernel's own file systems are the host's too, or, as that of tmpfs,
// must stay writable while mount points are made in it: there the attribute of the mount does it all.
function superblockOptions(type: string, attributes: bigint, options: MountOptions): readonly string[] {
  const isReadonly = (attributes & MOUNT_ATTR_RDONLY) !== 0n;
  if (kernelFileSystems.has(type)) return [];
  return [
    ...(isReadonly && type !== 'tmpfs' ? ['ro'] : []),
    ...options.superblock,
    // Only ext4 before Linux 6.1 has the choice; file systems that count versions (xfs, btrfs, later ext4) do so anyway.
    ...(options.iversion && type === 'ext4' ? ['i_version'] : []),
  ];
}

const kernelFileSystems: ReadonlySet<string> = new Set([
  'binfmt_misc',
  'bpf',
  'cgroup2',
  'configfs',
  'debugfs',
  'devpts',
  'devtmpfs',
  'efivarfs',
  'fusectl',
  'mqueue',
  'nsfs',
  'proc',
  'pstore',
  'resctrl',
  'rpc_pipefs',
  'securityfs',
  'selinuxfs',
  'smackfs',
  'sysfs',
  'tracefs',
]);

function dataOptions({ options, context, config }: MountRequest, type: string): readonly string[] {
  const given = options.data.map(({ text }) => text);
  const data = [...given, ...contextOption(type, config, given)];
  return type === 'overlay' ? data.map((option) => overlayData(option, context.bundle)) : data;
}

function propagationOf({ pointer, options: { propagation } }: MountRequest, mount: string | null): readonly Op[] {
  if (propagation === null) return [];
  return [{ op: 'setPropagation', pointer, path: '', mount, propagation: propagation.type, recursive: propagation.recursive }];
}

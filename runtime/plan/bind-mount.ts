import { nearestName } from '../config/nearest-name.ts';
import { fromBundle } from './clean-path.ts';
import { MS_PRIVATE } from './constants/mount.ts';
import { type Idmap, planIdmap } from './idmapped-mount.ts';
import { type MountOptions, mountOptions } from './mount-options.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import type { Op } from './ops.ts';
import { refuseMount } from './refuse-mount.ts';

/** A bind mount: a clone of a host's tree with attributes of its own; those that no option names stay the source's. */
export function planBind(request: MountRequest): Partial<MountPlan> {
  const { mount, pointer, options, context } = request;
  refuseData(options, pointer);
  if (options.copyUp) refuseMount(pointer, 'tmpcopyup is for a mount of type tmpfs');
  if (mount.source === undefined || mount.source === '') refuseMount(`${pointer}/source`, 'a bind mount must have a source');
  const idmap = planIdmap(request);
  return {
    open: [...(idmap?.open ?? []), openTree(request, { ...options, source: fromBundle(context.bundle, mount.source), idmap })],
    attach: [moveMount(request)],
  };
}

export interface TreeSource extends Pick<MountOptions, 'recursive' | 'attributes' | 'recursiveAttributes' | 'propagation'> {
  readonly source: string;
  readonly idmap: Idmap | null;
}

/** The op that clones a tree; without an option for it a mount neither gets nor gives mounts from and to the host. */
export function openTree({ pointer }: MountRequest, tree: TreeSource): Op {
  const { type, recursive } = tree.propagation ?? { type: MS_PRIVATE, recursive: true };
  return {
    op: 'openTree',
    pointer,
    source: tree.source,
    recursive: tree.recursive,
    set: tree.attributes.set,
    clear: tree.attributes.clear,
    recursiveSet: tree.recursiveAttributes.set,
    recursiveClear: tree.recursiveAttributes.clear,
    propagation: type,
    recursivePropagation: recursive,
    userNamespace: tree.idmap?.userNamespace ?? null,
    recursiveIdmap: tree.idmap?.recursive ?? false,
    tree: pointer.slice(1),
  };
}

export function moveMount({ pointer, destination }: MountRequest): Op {
  return { op: 'moveMount', pointer, root: 'root', tree: pointer.slice(1), destination: destination.path, exact: destination.exact };
}

/** Options for a file system make no sense where none is made: most often one is misspelt. */
export function refuseData({ data }: MountOptions, pointer: string): void {
  const [first] = data;
  if (first === undefined) return;
  const meant = nearestName(first.text, mountOptions);
  const hint = meant === undefined ? 'options of a file system belong to where it is mounted first' : `did you mean ${meant}?`;
  refuseMount(`${pointer}/options/${first.index}`, `${JSON.stringify(first.text)} is not an option of a bind mount`, hint);
}

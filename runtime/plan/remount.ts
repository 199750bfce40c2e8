import { refuseData } from './bind-mount.ts';
import type { MountPlan, MountRequest } from './mounts.ts';
import type { Op } from './ops.ts';
import { overlayData } from './overlay-data.ts';
import { refuseMount } from './refuse-mount.ts';

/**
 * A change of what is mounted at the destination already: attributes on the mount, everything else on its file system.
 * Here "ro" is of the mount alone: the file system below may well be the host's.
 */
export function planRemount({ mount, pointer, options, destination, context }: MountRequest): Partial<MountPlan> {
  if (options.recursiveAttributes.set !== 0n || options.recursiveAttributes.clear !== 0n)
    refuseMount(`${pointer}/options`, 'a remount has no recursive options', 'give them to the mount itself');
  if (options.propagation !== null || options.copyUp || options.idmap !== null)
    refuseMount(
      `${pointer}/options`,
      'a remount changes neither propagation, owners nor content',
      'give these options to the mount itself',
    );
  if (options.bind) refuseData(options, pointer);
  const data = options.data.map(({ text }) => (mount.type === 'overlay' ? overlayData(text, context.bundle) : text));
  const reconfigure = options.bind ? [] : [...options.superblock, ...data];
  const remount = (changes: readonly string[], set: bigint, clear: bigint): Op => ({
    op: 'remount',
    pointer,
    root: 'root',
    destination: destination.path,
    options: changes,
    set,
    clear,
  });
  const { set, clear } = options.attributes;
  if (reconfigure.length === 0) return { attach: [remount([], set, clear)] };
  return { attach: [remount(reconfigure, 0n, 0n), ...((set | clear) === 0n ? [] : [remount([], set, clear)])] };
}

import { KrunError } from '../errors/krun-error.ts';
import { cleanPath, isWithin } from '../plan/clean-path.ts';
import type { Layers } from '../plan/file-system-context.ts';

/** What a caller asks for; as in RunOptions. Annotations cannot: in a pod they come from people who are not trusted (SECURITY.md H5). */
export interface LayerRequest {
  readonly ephemeral: boolean;
  readonly overlay: { readonly lowers: readonly string[]; readonly upper: string | null; readonly work: string | null } | null;
  /** Of the tmpfs that takes what is written, in bytes; 0n or absent: the kernel's default. */
  readonly size?: bigint;
}

/**
 * The layers of the root, or null for the plain directory. `rootfs` is its host path, the topmost lower layer.
 * root.readonly stays what it is: mount points and cwd are made in the layer above, then the root becomes read-only.
 * Throws E_USAGE for what overlayfs would refuse with a bare EINVAL, or could destroy data with.
 */
export function layeredRoot(rootfs: string, { ephemeral, overlay, size = 0n }: LayerRequest): Layers | null {
  if (!ephemeral && overlay === null) return null;
  const { lowers, upper, work } = overlay ?? { lowers: [], upper: null, work: null };
  for (const path of [...lowers, upper, work]) if (path === '') refuse('a directory of an overlay must have a name');
  const below = [rootfs, ...lowers].map(cleanPath);
  const twin = below.find((path, index) => below.indexOf(path) !== index);
  if (twin !== undefined) refuse(`${JSON.stringify(twin)} must not be a layer twice`);
  if (upper === null && work === null) return { lowers: below.slice(1), writable: null, size };

  if (upper === null || work === null)
    refuse('--overlay-upper and --overlay-work must be given together', 'overlayfs needs an empty work directory beside the upper one');
  if (ephemeral) refuse('--ephemeral cannot go with --overlay-upper: one forgets what is written, the other keeps it');
  const writable = { upper: cleanPath(upper), work: cleanPath(work) };
  if (overlaps(writable.upper, writable.work))
    refuse('--overlay-work must be neither in --overlay-upper nor around it', 'make both in one directory, side by side');
  refuseOverlap(below, writable.upper, '--overlay-upper');
  refuseOverlap(below, writable.work, '--overlay-work');
  return { lowers: below.slice(1), writable, size: 0n };
}

// What is written to the upper directory must not change a layer below while it is in use; overlayfs does not always notice.
function refuseOverlap(below: readonly string[], path: string, option: string): void {
  const layer = below.find((lower) => overlaps(lower, path));
  if (layer !== undefined) refuse(`${option} must be neither in nor around a layer below: ${JSON.stringify(layer)}`);
}

function overlaps(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

function refuse(message: string, hint?: string): never {
  throw new KrunError('E_USAGE', message, hint === undefined ? {} : { hint });
}

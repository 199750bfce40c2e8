import type { BigIntStats } from 'node:fs';

/**
 * What tells one installation's file from another's, and from what the same file was before an upgrade: device, inode, size, time of
 * change of content and of anything. The helper says the same of the file that it would start: runtime/helper/resident.c.
 */
export function buildIdentity({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${time(mtimeNs)}:${time(ctimeNs)}`;
}

function time(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`;
}

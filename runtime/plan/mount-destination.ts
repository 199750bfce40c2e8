import type { Mount } from '../config/config.ts';
import { cleanPath, isWithin } from './clean-path.ts';
import type { MountOptions } from './mount-options.ts';
import { refuseMount } from './refuse-mount.ts';

export interface Destination {
  /** Clean and absolute in the container. */
  readonly path: string;
  /** No symbolic link may stand in it: an image could redirect /proc or /sys (CVE-2019-19921, CVE-2023-27561). */
  readonly exact: boolean;
}

/** Where a mount goes. Refuses the root, and what would let a mount fake the files of procfs (SECURITY.md B5). */
export function mountDestination(mount: Mount, options: MountOptions, index: number): Destination {
  const path = cleanPath(mount.destination);
  const pointer = `/mounts/${index}/destination`;
  if (path === '/') refuseMount(pointer, 'a mount must be below the root, not over it', 'root.path is what is mounted at /');
  // Changing a mount that is there adds none.
  if (!options.remount) refuseFakeProc(mount, options, path, pointer);
  const isKernels = !options.bind && (mount.type === 'proc' || mount.type === 'sysfs');
  return { path, exact: isKernels || path === '/sys' || isWithin(path, '/proc') };
}

function refuseFakeProc(mount: Mount, { bind }: MountOptions, path: string, pointer: string): void {
  if (path === '/proc') {
    const isProc = bind ? cleanPath(mount.source ?? '') === '/proc' : mount.type === 'proc';
    if (!isProc) refuseMount(pointer, 'only procfs may be mounted on /proc', 'type "proc", or a bind of the host\'s /proc');
  } else if (isWithin(path, '/proc') && !coverable.has(path)) {
    refuseMount(pointer, `${JSON.stringify(path)} is inside /proc, where only files that lxcfs provides may be covered`);
  }
}

// What lxcfs and its kind make to show a container its own limits; no security module reads or writes them.
const coverable: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/loadavg',
  '/proc/meminfo',
  '/proc/slabinfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/sys/crypto/fips_enabled',
  '/proc/sys/kernel/ns_last_pid',
]);

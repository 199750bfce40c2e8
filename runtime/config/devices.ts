import type { Report } from './problem.ts';
import { absolutePath, array, type Draft, type Infer, integer, object, oneOf, refine, uint32 } from './schema.ts';

export const deviceTypes = ['c', 'b', 'u', 'p'] as const;

/** The kernel's dev_t: 12 bits of major, 20 of minor (include/linux/kdev_t.h). */
export const largestMajor = 0xfff;
export const largestMinor = 0xf_ffff;

const device = refine(
  object(
    { type: oneOf(deviceTypes), path: absolutePath },
    {
      major: integer(0, largestMajor),
      minor: integer(0, largestMinor),
      /** Engines may leave the file type of stat(2) in it: only the bits of 07777 are permissions. */
      fileMode: integer(0, 0xffff),
      uid: uint32,
      gid: uint32,
    },
  ),
  ({ type, major, minor }, report) => {
    if (type === undefined || type === 'p') return;
    if (major === undefined) report.error(['major'], `must be given for a device of type ${type}`);
    if (minor === undefined) report.error(['minor'], `must be given for a device of type ${type}`);
  },
);

/** config-linux.md#devices. */
export const devices = refine(array(device), reportTwins);

export type Device = Infer<typeof device>;

function reportTwins(entries: Draft<readonly Device[]>, report: Report): void {
  const identities = new Map<string, number>();
  const paths = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    if (entry?.path === undefined || entry.type === undefined) continue;
    const identity = identityOf(entry);
    const samePath = paths.get(entry.path);
    const sameDevice = identities.get(identity);
    if (samePath !== undefined && identityOf(entries[samePath] ?? {}) !== identity) {
      report.error([index, 'path'], `must not be that of another device: devices[${samePath}] is at ${JSON.stringify(entry.path)}`);
    } else if (sameDevice !== undefined && entry.type !== 'p') {
      report.warning([index], `must not be a device that stands twice: devices[${sameDevice}] is the same one`);
    }
    paths.set(entry.path, samePath ?? index);
    identities.set(identity, sameDevice ?? index);
  }
}

function identityOf({ type, major, minor }: Draft<Device>): string {
  return type === 'p' ? 'p' : `${type === 'u' ? 'c' : type} ${major}:${minor}`;
}

// Mounts that come from the host: criu saves their names alone, and whoever restores says what stands for them. Never what the images say:
// only the configuration decides which directory of the host a container sees (SECURITY.md F6).

/** A line of /proc/PID/mountinfo. */
export interface SeenMount {
  readonly id: number;
  /** major:minor of the file system. */
  readonly device: string;
  /** What of the file system is mounted. */
  readonly root: string;
  readonly mountpoint: string;
  readonly type: string;
}

export type NamedMount = readonly [key: string, value: string];

/** The container's mounts whose file system the host has mounted too, each with its name in the images: where it is mounted. */
export function mountsToDump(inContainer: readonly SeenMount[], onHost: readonly SeenMount[]): NamedMount[] {
  const devices = new Set(onHost.map(({ device }) => device));
  return inContainer
    .filter(({ device, mountpoint, type }) => mountpoint !== '/' && devices.has(device) && !kernels.has(type))
    .map((mount): NamedMount => [mount.mountpoint, isMask(mount) ? nullDevice : mount.mountpoint]);
}

/** One bind mount of config.json, its destination resolved. */
export interface BindSource {
  readonly destination: string;
  readonly source: string;
  /** Mounts that come along, relative to the source. */
  readonly below: readonly string[];
}

/** What stands for those names: the sources of binds, device nodes, and the null device for masks. */
export function mountsToRestore(binds: readonly BindSource[], devices: readonly string[]): NamedMount[] {
  const named = binds.flatMap(({ destination, source, below }): NamedMount[] => [
    [destination, source],
    ...below.map((path): NamedMount => [destination + path, source + path]),
  ]);
  const nodes = [nullDevice, ...devices].map((path): NamedMount => [path, path]);
  return [...new Map([...nodes, ...named])];
}

const nullDevice = '/dev/null';

// One instance for all of a namespace, which criu mounts anew.
const kernels: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup2', 'mqueue', 'devpts']);

function isMask({ type, root }: SeenMount): boolean {
  return type === 'devtmpfs' && root === '/null';
}

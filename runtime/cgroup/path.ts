// linux.cgroupsPath (config-linux.md#cgroups-path).
import { KrunError } from '../errors/krun-error.ts';

export interface CgroupPathRequest {
  readonly cgroupsPath: string | undefined;
  readonly id: string;
  /** The caller's own cgroup below the mount; null when it lies elsewhere. */
  readonly own: string | null;
  /** Whether the caller may make cgroups in one. */
  readonly isWritable: (path: string) => boolean;
}

/**
 * The container's cgroup as a path below the cgroup2 mount, such as /user.slice/krun-c1; E_BAD_CGROUP if cgroupsPath names none.
 * An absolute one counts from the mount's root, a relative one from placeOfContainers.
 */
export function containerCgroupPath({ cgroupsPath, ...request }: CgroupPathRequest): string {
  if (cgroupsPath === undefined) return join(placeOfContainers(request), `krun-${request.id}`);
  requireUsable(cgroupsPath);
  return cgroupsPath.startsWith('/') ? cgroupsPath : join(placeOfContainers(request), cgroupsPath);
}

/**
 * Beside the caller's own cgroup, since one that holds processes, such as the caller, passes no controllers on (cgroups(7)). Where only
 * the caller's own is delegated it is below that, without limits as long as the caller stays there.
 */
export function placeOfContainers({ own, isWritable }: Pick<CgroupPathRequest, 'own' | 'isWritable'>): string {
  const beside = parentOf(own ?? '/');
  return own === null || isWritable(beside) || !isWritable(own) ? beside : own;
}

/** '/' is its own parent. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The cgroups above one, from the mount's root on. */
export function ancestorsOf(path: string): string[] {
  const ancestors = ['/'];
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) ancestors.push(path.slice(0, end));
  return ancestors;
}

function join(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

function requireUsable(path: string): void {
  const names = path.replace(/^\//, '').split('/');
  if (/^[^/]*:[^/]*:[^/]*$/.test(path))
    throw refuse(`must not have the form slice:prefix:name ("${path}") unless systemd manages cgroups`, 'give --systemd-cgroup');
  if (names.includes('..')) throw refuse('must not contain ..');
  if (names.length === 1 && names[0] === '') throw refuse('must name a cgroup, not the root of all');
  if (names.some((name) => name === '' || name === '.')) {
    const normal = (path.startsWith('/') ? '/' : '') + names.filter((name) => name !== '' && name !== '.').join('/');
    throw refuse(`must be a normal path: "${normal}" instead of "${path}"`);
  }
  if (/\p{Cc}/u.test(path)) throw refuse('must not contain control characters');
  if (names.length > mostNames || names.some((name) => new TextEncoder().encode(name).length > 255))
    throw refuse(`must have at most ${mostNames} names of at most 255 bytes`);
}

// Leaves room for the caller's own in the helper's MAX_CGROUP_DEPTH.
const mostNames = 64;

function refuse(predicate: string, hint?: string): KrunError {
  const pointer = '/linux/cgroupsPath';
  return new KrunError('E_BAD_CGROUP', `cgroupsPath ${predicate}`, hint === undefined ? { pointer } : { pointer, hint });
}

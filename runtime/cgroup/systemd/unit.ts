// linux.cgroupsPath as systemd's driver reads it, slice:prefix:name, and where systemd puts such a unit (systemd.slice(5), systemd.scope(5)).
import { KrunError } from '../../errors/krun-error.ts';

export interface ScopeRequest {
  readonly cgroupsPath: string | undefined;
  readonly id: string;
  /** A user's systemd instead of the system's. */
  readonly user: boolean;
  /** The cgroup that is the root of all of this systemd's units: '' or a path. */
  readonly managerRoot: string;
}

export interface Scope {
  /** prefix-name.scope */
  readonly unit: string;
  readonly slice: string;
  /** Its cgroup as a path below the cgroup2 mount. */
  readonly path: string;
}

/** E_BAD_CGROUP with /linux/cgroupsPath for what names no scope. */
export function scopeOf({ cgroupsPath, id, user, managerRoot }: ScopeRequest): Scope {
  const [slice, prefix, name] = cgroupsPath === undefined || cgroupsPath === '' ? ['', 'krun', escapeName(id)] : split(cgroupsPath);
  const inSlice = slice === '' ? (user ? 'user.slice' : 'system.slice') : slice;
  const unit = `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  requireUnitName(unit);
  const path = [managerRoot, ...sliceNames(inSlice).map(cgroupName), cgroupName(unit)].join('/').replace(/^(?!\/)/, '/');
  return { unit, slice: inSlice, path };
}

function split(cgroupsPath: string): [string, string, string] {
  const [slice = '', prefix = '', name, ...rest] = cgroupsPath.split(':');
  if (name === undefined || rest.length > 0 || cgroupsPath.includes('/'))
    throw refuse(`must have the form slice:prefix:name ("${cgroupsPath}") where systemd manages cgroups`, 'leave out --systemd-cgroup');
  if (name === '') throw refuse(`must name the scope after the second colon ("${cgroupsPath}")`);
  if (name.endsWith('.slice')) throw refuse(`must not name a slice ("${name}"): only a scope can hold the container's processes`);
  return [slice, prefix, name];
}

// a-b.slice lies in a.slice; -.slice is the root of all.
function sliceNames(slice: string): string[] {
  const [, name] = /^([^/]+)\.slice$/.exec(slice) ?? [];
  if (name === undefined) throw refuse(`must have the name of a slice before the first colon, such as system.slice, not "${slice}"`);
  if (name === '-') return [];
  const parts = name.split('-');
  if (parts.includes('')) throw refuse(`must not have an empty part in the slice "${slice}"`);
  requireUnitName(slice);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`);
}

function requireUnitName(unit: string): void {
  if (/^[A-Za-z0-9:_.\\-]+$/.test(unit) && unit.length <= longestUnit) return;
  const problem = unit.length > longestUnit ? `at most ${longestUnit} characters` : 'letters, digits and : _ . - \\ only';
  throw refuse(`must make a unit name of ${problem} ("${unit}")`);
}

const longestUnit = 255;

// As systemd-escape(1): an id may hold a plus sign, which a unit's name may not.
function escapeName(id: string): string {
  return id.replace(/[^A-Za-z0-9:_.-]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

// What could be taken for a file of the kernel's gets an underscore (systemd's cg_escape).
function cgroupName(unit: string): string {
  const stem = unit.slice(0, unit.lastIndexOf('.'));
  return /^[_.]|^cgroup\./.test(unit) || controllers.has(stem) ? `_${unit}` : unit;
}

const controllers: ReadonlySet<string> = new Set(['cpu', 'cpuacct', 'cpuset', 'io', 'blkio', 'memory', 'devices', 'pids']);

function refuse(predicate: string, hint?: string): KrunError {
  const pointer = '/linux/cgroupsPath';
  return new KrunError('E_BAD_CGROUP', `cgroupsPath ${predicate}`, hint === undefined ? { pointer } : { pointer, hint });
}

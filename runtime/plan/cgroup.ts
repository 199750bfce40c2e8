// linux.cgroupsPath and linux.resources → the cgroup that the container lives in, its limits and its device program.
import { compileDeviceProgram } from '../cgroup/device-program.ts';
import { ancestorsOf, containerCgroupPath } from '../cgroup/path.ts';
import { resourceSettings } from '../cgroup/resources.ts';
import type { Setting } from '../cgroup/setting.ts';
import type { Config } from '../config/config.ts';
import { remember } from '../config/remember.ts';
import { scopeOfUser } from '../errors/delegation-remedy.ts';
import { KrunError } from '../errors/krun-error.ts';
import { requireController } from './cgroup-controllers.ts';
import { planDelegation } from './cgroup-delegation.ts';
import { requireEnoughMemory } from './cgroup-memory.ts';
import type { CgroupPlan } from './cgroup-plan.ts';
import type { Cgroup2Facts, HostFacts } from './host-facts.ts';
import type { Op } from './ops.ts';

export interface CgroupOptions {
  readonly id: string;
  /** Where the state directories are; with the id it tells whose cgroup it is. */
  readonly root: string;
  readonly cgroupManager: 'cgroupfs' | 'disabled';
  /** Whether to do without a cgroup that may not be made, if nothing asks for one; auto, the default: without privileges. */
  readonly rootless?: 'true' | 'false' | 'auto';
}

/** Throws E_BAD_CGROUP, E_NO_CGROUP2, E_NO_CONTROLLER, E_BAD_LIMIT. */
export function planCgroup(config: Config, options: CgroupOptions, facts: HostFacts): CgroupPlan {
  if (options.cgroupManager === 'disabled') return refuseLimits(config, facts);
  const { cgroup2 } = facts;
  if (cgroup2 === null) throw new KrunError('E_NO_CGROUP2', 'no cgroup2 file system is mounted', { hint: mountHint });
  const { cgroupsPath, resources = {} } = config.linux ?? {};
  const isUnprivileged = facts.euid !== 0 || facts.inUserNamespace;
  const path = containerCgroupPath({
    cgroupsPath,
    id: options.id,
    own: cgroup2.own,
    isWritable: (at) => !isUnprivileged || cgroup2.look(at).isWritable,
  });
  const settings = resourceSettings(resources, cgroup2);
  if (!canCreate(path, cgroup2)) {
    if (mayDoWithout(options, isUnprivileged) && cgroupsPath === undefined && settings.every(({ optional }) => optional)) return none;
    throw notWritable(path, cgroup2, settings, isUnprivileged);
  }
  requireEnoughMemory(resources.memory);
  for (const setting of settings) requireController(setting, path, cgroup2, facts);
  const cgroup = { mountpoint: cgroup2.mountpoint, path };
  const confine = [...limits(settings), ...(isUnprivileged ? [] : [deviceProgram(config)])];
  const exit = removal(cgroup);
  const create: Op[] = [
    { op: 'onExit', pointer: '', program: exit },
    creation(cgroup, options, settings),
    ...planDelegation(config, facts),
  ];
  return { ...none, slot, cgroup, create, confine, exit };
}

const slot = 'cgroup';
const none: CgroupPlan = { slot: null, cgroup: null, unit: null, create: [], enter: [], entered: [], confine: [], exit: [] };
export const mountHint = 'mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1';

// What statistics and the explanation of a killed container need, and what `update` may set later, where it can be had.
const welcome = ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'misc', 'pids', 'rdma'];

function refuseLimits({ linux }: Config, { cgroup2 }: HostFacts): CgroupPlan {
  const [first] = resourceSettings(linux?.resources ?? {}, cgroup2 ?? { ioWeightFiles: [] }).filter(({ optional }) => !optional);
  if (first === undefined) return none;
  throw new KrunError('E_BAD_LIMIT', `a limit (${first.file}) needs a cgroup, but --cgroup-manager is disabled`, {
    pointer: first.pointer,
  });
}

// As in runc, whose --rootless is about nothing else.
function mayDoWithout({ rootless = 'auto' }: CgroupOptions, isUnprivileged: boolean): boolean {
  return rootless === 'auto' ? isUnprivileged : rootless === 'true';
}

// An engine may have made the cgroup, or one above it, for this caller.
function canCreate(path: string, cgroup2: Cgroup2Facts): boolean {
  const nearest = [path, ...ancestorsOf(path).toReversed()].map((at) => cgroup2.look(at)).find(({ exists }) => exists);
  return nearest?.isWritable ?? false;
}

function notWritable(path: string, { mountpoint }: Cgroup2Facts, settings: readonly Setting[], isUnprivileged: boolean): KrunError {
  const limit = settings.find(({ optional }) => !optional);
  const why = limit === undefined ? '' : `, and ${limit.file} needs one`;
  return new KrunError('E_NO_CGROUP2', `cgroup ${path} cannot be made: ${mountpoint} is not writable there${why}`, {
    path: mountpoint + path,
    pointer: limit?.pointer ?? '/linux/cgroupsPath',
    hint: isUnprivileged
      ? `without privileges a delegated cgroup is needed: ${scopeOfUser}`
      : 'is the cgroup2 mount read-only here? mount it writable, or give --cgroup-manager disabled',
  });
}

function creation(cgroup: { mountpoint: string; path: string }, { root, id }: CgroupOptions, settings: readonly Setting[]): Op {
  const required = [...new Set(settings.filter(({ optional }) => !optional).flatMap(({ controller }) => controller ?? []))];
  const wanted = welcome.filter((controller) => !required.includes(controller));
  return { op: 'createCgroup', pointer: '/linux/cgroupsPath', ...cgroup, owner: `${root}/${id}`, required, wanted, cgroup: slot };
}

/** Each limit by its file. */
export function limits(settings: readonly Setting[]): Op[] {
  return settings.map(({ file, value, pointer, optional }) => ({ op: 'writeCgroupFile', pointer, cgroup: slot, file, value, optional }));
}

// Also without rules: what no rule allows is denied. Without privileges no program can be attached; devices are then out of
// reach, as no node can be made and an open one on the host was open before.
export function deviceProgram({ linux }: Config): Op {
  return {
    op: 'attachDeviceProgram',
    pointer: '/linux/resources/devices',
    cgroup: slot,
    program: compileRules(linux?.resources?.devices ?? noRules),
  };
}

const compileRules = remember(compileDeviceProgram);
const noRules: readonly never[] = [];

function removal(cgroup: { mountpoint: string; path: string }): Op[] {
  return [
    { op: 'killCgroup', pointer: '', cgroup: slot },
    { op: 'removeCgroup', pointer: '', ...cgroup, cgroup: slot },
  ];
}

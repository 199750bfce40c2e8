// --systemd-cgroup: the container's cgroup is that of a transient scope, which systemd makes, limits and removes. Loaded when it is asked for.
import { ancestorsOf } from '../cgroup/path.ts';
import { resourceSettings } from '../cgroup/resources.ts';
import type { Setting } from '../cgroup/setting.ts';
import { allowedProperties, annotatedProperties } from '../cgroup/systemd/annotations.ts';
import {
  attachProcess,
  type Conversation,
  type Property,
  setUnitProperties,
  startScopeWith,
  stopUnit,
  trySetUnitProperty,
} from '../cgroup/systemd/manager.ts';
import { unitProperties } from '../cgroup/systemd/properties.ts';
import { type Scope, scopeOf } from '../cgroup/systemd/unit.ts';
import type { Config, Resources } from '../config/config.ts';
import { type Problem, toPointer } from '../config/problem.ts';
import { KrunError } from '../errors/krun-error.ts';
import { deviceProgram, limits, mountHint } from './cgroup.ts';
import { requireManagedController } from './cgroup-controllers.ts';
import { planDelegation } from './cgroup-delegation.ts';
import { requireEnoughMemory } from './cgroup-memory.ts';
import type { CgroupPlan, SystemdUnit } from './cgroup-plan.ts';
import type { Cgroup2Facts, HostFacts, SystemdManager } from './host-facts.ts';
import type { Op } from './ops.ts';
import { stages } from './stages.ts';

export interface ScopeOptions {
  readonly id: string;
  /** Where the state directories are. */
  readonly root: string;
}

export interface ScopePlan extends CgroupPlan {
  readonly warnings: readonly Problem[];
}

/**
 * The scope is made around a process that only waits, before the clone: so the container's first process is born in it, and is nowhere
 * else before. Who may not clone into it (a user whose session is not below the user's own systemd) has systemd move the process there
 * while it waits for that.
 *
 * Throws E_NO_SYSTEMD, E_BAD_CGROUP, E_NO_CGROUP2, E_NO_CONTROLLER, E_BAD_LIMIT, E_CONFIG.
 */
export function planScope(config: Config, { id, root }: ScopeOptions, facts: HostFacts): ScopePlan {
  if (!facts.systemd.isRunning) throw noSystemd();
  const { cgroup2 } = facts;
  if (cgroup2 === null) throw new KrunError('E_NO_CGROUP2', 'no cgroup2 file system is mounted', { hint: mountHint });
  const user = isUsers(facts);
  const manager = managerOf(user, facts);
  const { cgroupsPath, resources = {} } = config.linux ?? {};
  const scope = scopeOf({ cgroupsPath, id, user, managerRoot: manager.root });
  const settings = resourceSettings(resources, cgroup2);
  requireEnoughMemory(resources.memory);
  for (const setting of settings) requireManagedController(setting, manager.root, cgroup2, facts);
  const { properties, ignored } = annotatedProperties(config.annotations);
  const cgroup = { mountpoint: cgroup2.mountpoint, path: scope.path };
  const unit = { unit: scope.unit, user };
  const adopt: Op = { op: 'adoptCgroup', pointer: '/linux/cgroupsPath', ...cgroup, owner: `${root}/${id}`, anchor: true, cgroup: slot };
  const exit: Op[] = [
    { op: 'killCgroup', pointer: '', cgroup: slot },
    { op: 'whenFilled', pointer: '', slot, program: stopScope(unit, facts) },
    { op: 'removeCgroup', pointer: '', ...cgroup, cgroup: slot },
  ];
  const known = [...basics(id, scope), ...properties];
  const start = startScopeWith(scope.unit, oomPolicy(resources), known).map((call) =>
    callBus(call, manager, { pointer: '/linux/cgroupsPath', anchor: true }),
  );
  const mayClone = mayCloneInto(scope.path, cgroup2);
  return {
    slot: mayClone ? slot : null,
    cgroup,
    unit,
    create: [
      { op: 'onExit', pointer: '', program: exit },
      { op: 'startAnchor', pointer: '' },
      ...start,
      adopt,
      ...planDelegation(config, facts),
    ],
    enter: mayClone ? [] : enterScope(unit, { cgroup, below: '' }, facts),
    entered: [{ op: 'endAnchor', pointer: '' }],
    confine: [
      ...setProperties(unit, settings, facts),
      ...limits(settings),
      ...(facts.euid !== 0 || facts.inUserNamespace ? [] : [deviceProgram(config)]),
    ],
    exit,
    warnings: ignored.map(ignoredAnnotation),
  };
}

/** What makes systemd forget the unit, and end what is still in it. A systemd that cannot be reached any more has no units either. */
export function stopScope({ unit, user }: SystemdUnit, facts: HostFacts): Op[] {
  return [callBus(stopUnit(unit), managerOf(user, facts), { orGone: true })];
}

/** Where a container with this cgroupsPath would have its scope, and what stops it; nowhere where there can be none. */
export function likelyScope(cgroupsPath: string, id: string, facts: HostFacts): { cgroup: CgroupPlan['cgroup']; stop?: readonly Op[] } {
  if (facts.cgroup2 === null || !facts.systemd.isRunning) return { cgroup: null };
  const user = isUsers(facts);
  const { unit, path } = scopeOf({ cgroupsPath, id, user, managerRoot: managerOf(user, facts).root });
  return { cgroup: { mountpoint: facts.cgroup2.mountpoint, path }, stop: stopScope({ unit, user }, facts) };
}

/** What a unit has to know of its limits. Nothing where systemd has no property for them. */
export function setProperties({ unit, user }: SystemdUnit, settings: readonly Pick<Setting, 'file' | 'value'>[], facts: HostFacts): Op[] {
  const manager = managerOf(user, facts);
  const { known, recent } = unitProperties(settings);
  const pointer = '/linux/resources';
  return [
    ...(known.length === 0 ? [] : [callBus(setUnitProperties(unit, known), manager, { pointer })]),
    ...recent.map((property) => callBus(trySetUnitProperty(unit, property), manager, { pointer })),
  ];
}

export interface ScopePlace {
  readonly cgroup: { readonly mountpoint: string; readonly path: string };
  /** '' or a path such as /a below the scope. */
  readonly below: string;
}

/** For the helper: has systemd move the process last cloned, which waits for this stage, and looks whether it has. */
export function enterScope({ unit, user }: SystemdUnit, { cgroup, below }: ScopePlace, facts: HostFacts): Op[] {
  const pointer = '/linux/cgroupsPath';
  return [
    callBus(attachProcess(unit, below), managerOf(user, facts), { pointer }),
    { op: 'adoptCgroup', pointer, ...cgroup, owner: '', anchor: false, cgroup: slot },
    { op: 'notifyChild', pointer: '', stage: stages.entered },
  ];
}

/** clone3(2), CLONE_INTO_CGROUP: as a move, by somebody who may write to the cgroup that is above both. */
export function mayCloneInto(path: string, { own, look }: Cgroup2Facts): boolean {
  if (own === null) return false;
  const above = new Set([...ancestorsOf(own), own]);
  const common = ancestorsOf(path).findLast((ancestor) => above.has(ancestor));
  return common !== undefined && look(common).isWritable;
}

const slot = 'cgroup';

// Root in a user namespace of somebody else's is that somebody to systemd.
function isUsers({ euid, inUserNamespace, systemd }: HostFacts): boolean {
  return euid !== 0 || (inUserNamespace && systemd.ownerUid !== 0);
}

function managerOf(user: boolean, { systemd }: HostFacts): SystemdManager {
  return user ? systemd.user : systemd.system;
}

// Delegate: the cgroup is ours and the container's. No DefaultDependencies: engines stop containers before they stop themselves.
function basics(id: string, { slice }: Scope): Property[] {
  const accounting = ['CPUAccounting', 'MemoryAccounting', 'IOAccounting', 'TasksAccounting'];
  return [
    { name: 'Description', type: 's', value: `krun container ${id}` },
    { name: 'Slice', type: 's', value: slice },
    { name: 'Delegate', type: 'b', value: true },
    ...accounting.map((name): Property => ({ name, type: 'b', value: true })),
    { name: 'DefaultDependencies', type: 'b', value: false },
    { name: 'CollectMode', type: 's', value: 'inactive-or-failed' },
  ];
}

// systemd has memory.oom.group from the unit's OOMPolicy, and writes it with the other values of the memory controller.
function oomPolicy({ unified = {} }: Resources): Property[] {
  const group = unified['memory.oom.group'];
  return group === undefined ? [] : [{ name: 'OOMPolicy', type: 's', value: group === '1' ? 'kill' : 'continue' }];
}

interface CallOptions {
  readonly pointer?: string;
  readonly anchor?: boolean;
  readonly orGone?: boolean;
}

// As long as runc waits for a job; a call is answered at once unless systemd is in trouble.
const patience = 30_000;

function callBus(call: Conversation, { sockets }: SystemdManager, { pointer = '', anchor = false, orGone = false }: CallOptions): Op {
  return { op: 'callBus', pointer, sockets, ...call, anchor, orGone, milliseconds: patience };
}

function ignoredAnnotation(name: string): Problem {
  return {
    pointer: toPointer(['annotations', name]),
    message: `annotations["${name}"] is ignored: by annotation only ${allowedProperties.join(', ')} can be set`,
    code: 'E_CONFIG',
    severity: 'warning',
  };
}

function noSystemd(): KrunError {
  return new KrunError('E_NO_SYSTEMD', '--systemd-cgroup needs systemd, which is not the init of this system (no /run/systemd/system)', {
    hint: 'leave out --systemd-cgroup (or --cgroup-manager systemd): krun then makes the cgroup itself',
  });
}

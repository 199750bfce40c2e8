import type { Config, Namespace, NamespaceType } from '../config/config.ts';
import { sysctlOwner, sysctlPath } from '../config/sysctl.ts';
import { CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_PARENT, namespaceFlags } from './constants/namespaces.ts';
import type { HostFacts } from './host-facts.ts';
import { rootOf } from './id-map.ts';
import { type IdMapPlan, noIdMaps, planIdMaps } from './id-map-plan.ts';
import type { Op } from './ops.ts';
import { stages } from './stages.ts';

export interface NamespaceFacts {
  /** The helper has CAP_SYS_ADMIN where it runs; otherwise all it has is what a user namespace of its own gives. */
  readonly privileged: boolean;
  /** Asked without privileges: what may be mapped. */
  readonly host: Pick<HostFacts, 'idMaps'>;
}

export type NamespaceConfig = Pick<Config, 'hostname' | 'domainname' | 'linux'>;

export interface Start {
  /** init's program, once it is in its namespaces. */
  readonly program: readonly Op[];
  /** The slot of the cgroup to start in. */
  readonly cgroup: string | null;
  /** What the helper does to put the process that it clones there, when that cannot be by the clone itself. */
  readonly enter?: readonly Op[];
  /** What takes the host's rights and is init's to inherit or have done to it: setOomScoreAdjust. */
  readonly early: readonly Op[];
}

export interface NamespacePlan {
  /** Before the clone: opens what is joined, while the paths are still the host's. */
  readonly host: readonly Op[];
  /** The clone, with what helper and stage have to do until init goes on with its program. */
  readonly start: (start: Start) => readonly Op[];
  /** init, or the helper for it, has lost the host's rights: it is in a user namespace, new or joined. */
  readonly inUserNamespace: boolean;
  /** The process may set its supplementary groups: the maps of its user namespace were not written by who had to give that up. */
  readonly maySetGroups: boolean;
}

/**
 * Puts init into its namespaces: those of linux.namespaces with a path are joined, those without are made, the rest are the helper's own.
 *
 * One clone3 makes all new ones at once, the user namespace first, so that it owns the others (user_namespaces(7)).
 * A *stage* process comes in between when that cannot be: it joins or makes what must be there first, and its own clone, with CLONE_PARENT, is init.
 */
export function planNamespaces(config: NamespaceConfig, { privileged, host }: NamespaceFacts): NamespacePlan {
  const { linux } = config;
  const wanted = sort(linux?.namespaces ?? []);
  const offsets = formatOffsets(linux?.timeOffsets);
  const maps = wanted.made.has('user') ? planIdMaps(linux, privileged ? undefined : host.idMaps) : noIdMaps;
  const context: Context = { ...wanted, offsets, privileged, linux, maps, needsStage: needsStage(wanted, offsets) };
  return {
    host: planHost(context, changedNamespaces(config)),
    start: (start) => (context.needsStage ? startByStage(context, start) : startAtOnce(context, start)),
    inUserNamespace: has(wanted, 'user'),
    maySetGroups: wanted.made.has('user') ? maps.maySetGroups : privileged || !joins(wanted, 'user'),
  };
}

interface Wanted {
  readonly joined: readonly Joined[];
  readonly made: ReadonlySet<NamespaceType>;
}

interface Joined {
  readonly type: NamespaceType;
  readonly path: string;
  readonly pointer: string;
}

interface Context extends Wanted {
  /** The content of timens_offsets; '' for none. */
  readonly offsets: string;
  readonly privileged: boolean;
  readonly linux: Config['linux'];
  readonly maps: IdMapPlan;
  readonly needsStage: boolean;
}

function sort(namespaces: readonly Namespace[]): Wanted {
  const joined = namespaces.flatMap(({ type, path }, index) =>
    path === undefined ? [] : [{ type, path, pointer: `/linux/namespaces/${index}` }],
  );
  const made = new Set(namespaces.filter(({ path }) => path === undefined).map(({ type }) => type));
  return { joined, made };
}

/*
 * setns and unshare of a pid namespace are for children only; offsets are set before anybody is in the time namespace; a user namespace
 * made by clone3 comes before any join, which would then lack the host's rights; what is new must come after a join of its owner.
 */
function needsStage(wanted: Wanted, offsets: string): boolean {
  const { joined, made } = wanted;
  const makesOthers = [...made].some((type) => type !== 'cgroup');
  if (joins(wanted, 'pid') || (made.has('time') && offsets !== '')) return true;
  return (made.has('user') && joined.length > 0) || (joins(wanted, 'user') && makesOthers);
}

function planHost(context: Context, changed: ReadonlySet<NamespaceType>): Op[] {
  const opened = context.joined.map(
    ({ type, path, pointer }): Op => ({
      op: 'openNamespace',
      pointer,
      path,
      type: namespaceFlags[type],
      foreign: changed.has(type),
      namespace: slotOf(type),
    }),
  );
  return needsDetachedProc(context) ? [...opened, { op: 'openProc', pointer: timeOffsets, proc: hostProc }] : opened;
}

function startAtOnce(context: Context, { program, cgroup, enter = [], early }: Start): Op[] {
  const { made } = context;
  const maps = made.has('user');
  const init: Op[] = maps
    ? [{ op: 'waitForParent', pointer: '', stage: stages.idMaps }, ...becomeRoot(context), undumpable]
    : [...early, undumpable, ...joinAll(context), ...becomeRoot(context)];
  const clone: Op = {
    op: 'clone',
    pointer: pointerOf(made),
    flags: flagsOf(made),
    cgroup,
    program: [...waitToEnter(enter), ...init, ...leaveCgroup(made), ...program],
  };
  if (!maps) return [clone, ...enter];
  return [clone, ...enter, ...context.maps.write, ...early, { op: 'notifyChild', pointer: '', stage: stages.idMaps }];
}

/*
 * Who enters a user namespace, or a cgroup namespace elsewhere, could no longer put init into its cgroup: then the stage starts there
 * (and counts as a second process until it ends).
 */
function startByStage(context: Context, { program, cgroup, enter = [], early }: Start): Op[] {
  const { made } = context;
  const maps = made.has('user');
  const stageInCgroup = has(context, 'user') || joins(context, 'cgroup');
  const remaining = new Set([...made].filter((type) => type !== 'user' && (type !== 'time' || context.offsets === '')));
  const meet: Op[] = [
    { op: 'notifyParent', pointer: '', stage: stages.idMaps },
    { op: 'waitForParent', pointer: '', stage: stages.idMaps },
  ];
  const init: Op[] = [...(maps ? meet : []), ...becomeRoot(context), undumpable, ...leaveCgroup(made), ...program];
  const clone: Op = {
    op: 'clone',
    pointer: pointerOf(remaining),
    flags: flagsOf(remaining) | CLONE_PARENT,
    cgroup: stageInCgroup ? null : cgroup,
    program: init,
  };
  const stage: Op[] = [...waitToEnter(enter), ...early, ...joinAndMake(context), clone];
  const start: Op = { op: 'clone', pointer: '', flags: 0n, cgroup: stageInCgroup ? cgroup : null, program: stage };
  if (!maps) return [start, ...enter];
  return [
    start,
    ...enter,
    { op: 'waitForChild', pointer: '', stage: stages.idMaps },
    ...context.maps.write,
    { op: 'notifyChild', pointer: '', stage: stages.idMaps },
  ];
}

/** First of all in a process that the helper has yet to put into its cgroup; a stage's child is then born there. */
export function waitToEnter(enter: readonly Op[]): Op[] {
  return enter.length === 0 ? [] : [{ op: 'waitForParent', pointer: '', stage: stages.entered }];
}

// What the stage joins and makes before init is there.
function joinAndMake(context: Context): Op[] {
  const { made, joined, privileged, offsets } = context;
  const newTime = made.has('time') && offsets !== '';
  const flags = (made.has('user') ? CLONE_NEWUSER : 0n) | (newTime ? CLONE_NEWTIME : 0n);
  const unshare: Op[] = flags === 0n ? [] : [{ op: 'unshare', pointer: '/linux/namespaces', flags }];
  const proc = needsDetachedProc(context) ? hostProc : null;
  const setOffsets: Op[] = newTime ? [{ op: 'setTimeOffsets', pointer: timeOffsets, proc, offsets }] : [];
  const hide = joined.length > 0 ? [undumpable] : [];
  if (privileged) return [...hide, ...joinAll(context), ...unshare, ...setOffsets];
  return [...hide, ...joinAll(context, 'user'), ...unshare, ...setOffsets, ...joinAll(context, 'others')];
}

/*
 * With the host's rights all namespaces can be joined, so the user namespace comes last, which gives them up. Without, it comes first:
 * it gives the rights over what it owns. The mount namespace comes after the others, for from there on paths are the container's.
 */
function joinAll({ joined, privileged }: Context, which: 'all' | 'user' | 'others' = 'all'): Op[] {
  const order = privileged ? joinOrder : [...joinOrder.slice(-1), ...joinOrder.slice(0, -1)];
  const chosen = order.filter((type) => which === 'all' || (type === 'user') === (which === 'user'));
  return chosen.flatMap((type) => {
    const found = joined.find((namespace) => namespace.type === type);
    return found === undefined
      ? []
      : [{ op: 'setns', pointer: found.pointer, namespace: slotOf(type), type: namespaceFlags[type] } as const];
  });
}

const joinOrder = ['network', 'ipc', 'uts', 'time', 'pid', 'cgroup', 'mount', 'user'] as const satisfies readonly NamespaceType[];

// Until now init had an id that the namespace may not even map: what it creates shall belong to the container's root. Groups follow with the user.
function becomeRoot(context: Context): Op[] {
  if (!has(context, 'user')) return [];
  const uid = rootOf(context.linux?.uidMappings);
  const gid = rootOf(context.linux?.gidMappings);
  return [{ op: 'setUser', pointer: '/linux/uidMappings', uid, gid, groups: [], setGroups: false }];
}

// Not by clone3: what the root of the cgroup namespace would be together with CLONE_INTO_CGROUP (the maker's cgroup or the new one) depends on the kernel.
function leaveCgroup(made: ReadonlySet<NamespaceType>): Op[] {
  return made.has('cgroup') ? [{ op: 'unshare', pointer: '/linux/namespaces', flags: CLONE_NEWCGROUP }] : [];
}

// What this configuration changes in a namespace: a path could lead to the host's own, and then it would change the host.
function changedNamespaces({ hostname, domainname, linux }: NamespaceConfig): ReadonlySet<NamespaceType> {
  const owners = Object.keys(linux?.sysctl ?? {}).map((key) => sysctlOwner(sysctlPath(key) ?? ''));
  const named: NamespaceType[] = hostname === undefined && domainname === undefined ? [] : ['uts'];
  return new Set([...named, ...owners.filter((owner) => owner !== undefined)]);
}

function formatOffsets(offsets: NonNullable<Config['linux']>['timeOffsets']): string {
  return Object.entries(offsets ?? {})
    .map(([clock, { secs = 0n, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`)
    .join('');
}

// After the join of a mount namespace /proc is whatever the container has there.
function needsDetachedProc(context: Context): boolean {
  return context.privileged && context.offsets !== '' && joins(context, 'mount');
}

function flagsOf(types: Iterable<NamespaceType>): bigint {
  return [...types].filter((type) => type !== 'cgroup').reduce((flags, type) => flags | namespaceFlags[type], 0n);
}

function pointerOf(made: ReadonlySet<NamespaceType>): string {
  return made.size > 0 ? '/linux/namespaces' : '';
}

function has(wanted: Wanted, type: NamespaceType): boolean {
  return wanted.made.has(type) || joins(wanted, type);
}

function joins({ joined }: Wanted, type: NamespaceType): boolean {
  return joined.some((namespace) => namespace.type === type);
}

function slotOf(type: NamespaceType): string {
  return `${type}-namespace`;
}

const timeOffsets = '/linux/timeOffsets';
const hostProc = 'host-proc';
const undumpable: Op = { op: 'setDumpable', pointer: '', dumpable: false };

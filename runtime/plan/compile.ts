import { keepsGroups } from '../config/annotations.ts';
import type { Config, Process } from '../config/config.ts';
import { planCgroup } from './cgroup.ts';
import type { CgroupPlan } from './cgroup-plan.ts';
import { type StateSubject, stateAroundPid } from './container-state.ts';
import type { Layers } from './file-system-context.ts';
import { planFileSystems } from './file-systems.ts';
import { planContainerHooks, planPoststartHooks, planPoststopHooks, planRuntimeHooks, planStartHooks } from './hooks.ts';
import { type HostFacts, mayKeepGroups } from './host-facts.ts';
import { planHostName } from './host-name.ts';
import { planIntelRdt } from './intel-rdt.ts';
import { planLabels, requireSecurityModules } from './labels.ts';
import { planLoopback } from './loopback.ts';
import { planNamespaces } from './namespaces.ts';
import { planNetDevices } from './net-devices.ts';
import type { Op, Plan } from './ops.ts';
import { type ProcessPlan, planProcess } from './process.ts';
import type { CompiledSeccomp } from './seccomp/compile.ts';
import { planSeccomp, type SeccompPlan } from './seccomp/install.ts';
import { stages } from './stages.ts';
import { planSysctls } from './sysctl.ts';
import { planPidfdSocket, planTerminal, type TerminalPlan } from './terminal.ts';

/** All that a start depends on. Every path is absolute. */
export interface StartRequest {
  readonly config: Config & { readonly process: Process };
  readonly id: string;
  readonly bundle: string;
  readonly layers: Layers | null;
  readonly seccomp: CompiledSeccomp | null;
  readonly facts: HostFacts;
  /** Or what scope.ts has planned for systemd. */
  readonly cgroupManager: 'cgroupfs' | 'disabled' | CgroupPlan;
  readonly rootless: 'true' | 'false' | 'auto';
  readonly preserveFds: number;
  readonly noNewKeyring: boolean;
  /** --init: the container's process is the child of a first process of ours. */
  readonly init: boolean;
  /** --no-subreaper: whoever the container leaves behind in our own pid namespace is not ours to reap. */
  readonly noSubreaper: boolean;
  readonly pidFile: string | null;
  /** What becomes of the container once it is made: it waits for `start`, runs by itself, or the helper stays beside it. */
  readonly mode: 'create' | 'detach' | 'attend';
  /** Where the terminal's master and a pidfd of init are to be sent. */
  readonly consoleSocket: string | null;
  readonly pidfdSocket: string | null;
  /** Leave state directory and cgroup when the process has ended. */
  readonly keep: boolean;
  /** <root>/<id>, and what state.json holds as soon as it is known where the cgroup will be. */
  readonly state: {
    readonly root: string;
    /** Where init is recorded while it is made, and afterwards. */
    readonly creatingFile: string;
    readonly initFile: string;
    readonly gate: Gate;
    readonly files: (cgroup: Pick<CgroupPlan, 'cgroup' | 'unit'>) => readonly [StateFile, ...StateFile[]];
  };
}

/** The names of the two FIFOs. */
export interface Gate {
  readonly gate: string;
  readonly report: string;
}

export interface StateFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * (configuration, options, facts) → the plan of `create` and `run`: make the container, become its process, wait, clear up. Pure: the same
 * request gives the same plan, which `krun plan` prints. Throws KrunError with the pointer of what cannot be had.
 *
 * What undoes a creation is registered before it, so that no failure can come in between; while its slot is empty it does nothing.
 */
export function compilePlan(request: StartRequest): Plan {
  const { config, facts, id } = request;
  const privileged = facts.euid === 0;
  const cgroup = planCgroupOf(request);
  const { inUserNamespace, ...namespaces } = planNamespaces(config, { privileged, host: facts });
  requireSecurityModules(config, config.process, facts);
  const labels = planLabels(config, config.process);
  const devices = planNetDevices(config, privileged);
  const rdt = planIntelRdt(config, id, facts);
  const sysctls = planSysctls(config);
  const files = planFileSystems(config, {
    bundle: request.bundle,
    layers: request.layers,
    privileged,
    inUserNamespace: facts.inUserNamespace,
    cgroup2: facts.cgroup2?.mountpoint ?? null,
    cgroup: cgroup.cgroup,
  });
  const hooks = planStages(request);
  const terminal = planTerminal(config.process, { detach: request.mode !== 'attend', consoleSocket: request.consoleSocket, root: 'root' });
  const process = planProcess(config, config.process, {
    id,
    preserveFds: request.preserveFds,
    noNewKeyring: request.noNewKeyring,
    privileged,
    inUserNamespace,
    maySetGroups: namespaces.maySetGroups && !facts.deniesSetgroups,
    keepGroups: mayKeepGroups(facts) && keepsGroups(config),
    root: 'root',
    seccomp: planInitSeccomp(request),
    child: request.init ? [{ op: 'setsid', pointer: '' }, ...terminal.control] : null,
    beforeExecute: [...(request.mode === 'create' ? waitAtGate : []), ...hooks.start],
  });
  const pidfd = planPidfdSocket(request.pidfdSocket, 'standard');
  // The first says what to remove and comes before all that is made; the others are for later commands, and are written while init mounts.
  const [stateFile, ...laterFiles] = request.state.files(cgroup);
  const confinement = planConfinement(config, cgroup.confine);
  const init: Plan = [
    ...process.begin,
    ...devices.init,
    ...files.root,
    ...confinement.init,
    ...planLoopback(config),
    ...hooks.init,
    ...planHostName(config),
    ...sysctls.init,
    ...labels.init,
    ...files.seal,
    ...process.directory,
    ...files.pivot,
    ...terminal.open,
    ...(request.init ? [] : terminal.control),
    ...files.after,
    { op: 'waitForParent', pointer: '', stage: stages.recorded },
    ...labels.write,
    ...(request.mode === 'create' ? [] : [{ op: 'notifyParent', pointer: '', stage: stages.pivoted } as const]),
    ...process.end,
  ];
  return [
    ...process.host,
    ...planSubreaper(request),
    ...terminal.host,
    ...pidfd.host,
    ...planState(request, stateFile),
    ...rdt.create,
    ...cgroup.create,
    ...namespaces.host,
    ...sysctls.host,
    ...labels.host,
    ...files.host,
    ...hooks.host,
    ...namespaces.start({ program: init, cgroup: cgroup.slot, enter: cgroup.enter, early: process.early }),
    ...cgroup.entered,
    ...writeStateFiles(laterFiles),
    ...rdt.join,
    ...devices.helper,
    ...confinement.helper,
    ...pidfd.helper,
    ...planRun(request, process, { terminal, hooks, cgroup: cgroup.slot }),
  ];
}

function planCgroupOf({ config, id, state, facts, cgroupManager, rootless }: StartRequest): CgroupPlan {
  return typeof cgroupManager === 'object' ? cgroupManager : planCgroup(config, { id, root: state.root, cgroupManager, rootless }, facts);
}

// Only in a pid namespace that we are in can a container's orphan be left to us (prctl(2)); and only while we stay. --init has its own.
function planSubreaper({ config, mode, init, noSubreaper }: StartRequest): Plan {
  const hasNamespace = config.linux?.namespaces?.some(({ type }) => type === 'pid') === true;
  return mode !== 'attend' || init || noSubreaper || hasNamespace ? [] : [{ op: 'setSubreaper', pointer: '' }];
}

interface HookStages {
  /** On the host, before the clone. */
  readonly host: Plan;
  /** In init, when all is mounted: it waits for the helper's, then runs its own. */
  readonly init: Plan;
  /** In the helper, meanwhile. */
  readonly helper: Plan;
  /** In init, last of all. */
  readonly start: Plan;
  /** In the helper, when the process runs. */
  readonly poststart: Plan;
}

function planStages(request: StartRequest): HookStages {
  const { hooks } = request.config;
  const runtime = planRuntimeHooks(hooks, subjectOf(request));
  const container = planContainerHooks(hooks, subjectOf(request));
  const [pointer, stage] = ['', stages.hooks];
  const meet: Plan = [
    { op: 'notifyParent', pointer, stage },
    { op: 'waitForParent', pointer, stage },
  ];
  return {
    host: container.host,
    init: [...(runtime.length > 0 ? meet : []), ...container.init],
    helper: runtime.length > 0 ? [{ op: 'waitForChild', pointer, stage }, ...runtime, { op: 'notifyChild', pointer, stage }] : [],
    start: planStartHooks(hooks, subjectOf(request)),
    poststart: planPoststartHooks(hooks, subjectOf(request)),
  };
}

function subjectOf({ config, id, bundle }: StartRequest): StateSubject {
  return { ociVersion: config.ociVersion, id, bundle, annotations: config.annotations };
}

interface Confinement {
  readonly init: Plan;
  readonly helper: Plan;
}

/*
 * The helper sets limits and the device program while init mounts, which costs the start no time. But set-up would count against a
 * limit, and the device program would keep a block device from being mounted: then the helper waits until all is mounted.
 */
function planConfinement({ mounts = [] }: Config, confine: Plan): Confinement {
  const [pointer, stage] = ['', stages.mounted];
  const isFree =
    confine.every(({ op }) => op === 'attachDeviceProgram') && mounts.every(({ type, options }) => isDeviceless(type, options));
  if (isFree) return { init: [], helper: confine };
  return { init: [{ op: 'notifyParent', pointer, stage }], helper: [{ op: 'waitForChild', pointer, stage }, ...confine] };
}

const deviceless = new Set(['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'overlay', 'bind']);

function isDeviceless(type: string | undefined, options: readonly string[] | undefined): boolean {
  return deviceless.has(type ?? '') || (options ?? []).some((option) => option === 'bind' || option === 'rbind');
}

interface Around {
  readonly cgroup: string | null;
  readonly terminal: TerminalPlan;
  readonly hooks: HookStages;
}

// From the clone on: init goes on only when the state directory knows it, so that no crash can lose it.
function planRun(request: StartRequest, process: ProcessPlan, around: Around): Plan {
  const { state, mode } = request;
  return [
    { op: 'recordInit', pointer: '', directory: 'state', name: state.creatingFile },
    ...around.hooks.helper,
    { op: 'notifyChild', pointer: '', stage: stages.recorded },
    ...(mode === 'create' ? endCreate(request, process) : endRun(request, process, around)),
  ];
}

// Until it is released, init ends with the helper: what a killed `create` leaves is never a container that waits for `start`.
function endCreate({ state, pidFile }: StartRequest, process: ProcessPlan): Plan {
  return [
    ...process.helper,
    { op: 'waitForChild', pointer: '', stage: stages.created },
    ...writePidFile(pidFile),
    recordMade(state),
    { op: 'notifyChild', pointer: '', stage: stages.released },
    ...leave,
  ];
}

function endRun({ config, state, pidFile, mode, keep }: StartRequest, process: ProcessPlan, { terminal, hooks, cgroup }: Around): Plan {
  return [
    { op: 'waitForChild', pointer: '', stage: stages.pivoted },
    recordMade(state),
    ...process.helper,
    { op: 'waitForExecute', pointer: '' },
    ...terminal.helper,
    ...writePidFile(pidFile),
    ...hooks.poststart,
    ...(mode === 'detach' ? leave : [...(keep ? [forgetExits] : []), terminal.wait, ...explainFailing(config, cgroup)]),
  ];
}

// The cgroup goes with the plan, so that what it has counted comes along with the question.
function explainFailing({ linux }: Config, cgroup: string | null): Plan {
  if (cgroup === null) return [];
  const { memory, pids } = linux?.resources ?? {};
  const memo = JSON.stringify({ memoryLimit: limitOf(memory?.limit), pidsLimit: limitOf(pids?.limit) });
  const program: Plan = [{ op: 'askAgain', pointer: '', memo }];
  return [{ op: 'whenCounted', pointer: '', cgroup, files: ['memory.events', 'pids.events'], keys: ['oom_kill', 'max'], program }];
}

// -1 and, for processes, 0 are no limit.
function limitOf(limit: bigint | undefined): string | null {
  return limit === undefined || limit <= 0n ? null : `${limit}`;
}

const forgetExits: Op = { op: 'forgetExits', pointer: '' };
const leave: Plan = [{ op: 'releaseInit', pointer: '' }, forgetExits, { op: 'exit', pointer: '', status: 0 }];

// In init.
const waitAtGate: Plan = [
  { op: 'notifyParent', pointer: '', stage: stages.created },
  { op: 'waitForParent', pointer: '', stage: stages.released },
  { op: 'waitForStart', pointer: '' },
];

function recordMade({ creatingFile, initFile }: StartRequest['state']): Op {
  return { op: 'renameStateFile', pointer: '', directory: 'state', from: creatingFile, to: initFile };
}

function writePidFile(path: string | null): Plan {
  return path === null ? [] : [{ op: 'writePidFile', pointer: '', path }];
}

function writeStateFiles(files: readonly StateFile[]): Plan {
  return files.map(({ name, content }): Op => ({ op: 'writeStateFile', pointer: '', directory: 'state', name, content }));
}

function planState(request: StartRequest, stateFile: StateFile): Plan {
  const { id, state, mode } = request;
  const directory = 'state';
  const poststop = planPoststopHooks(request.config.hooks, subjectOf(request), directory);
  return [
    ...(poststop.length > 0 ? [{ op: 'onExit', pointer: '', program: poststop } as const] : []),
    { op: 'onExit', pointer: '', program: [{ op: 'removeStateDirectory', pointer: '', path: state.root, id, directory }] },
    { op: 'createStateDirectory', pointer: '', path: state.root, id, directory },
    ...writeStateFiles([stateFile]),
    ...(mode === 'create' ? [{ op: 'createGate', pointer: '', directory, ...state.gate } as const] : []),
  ];
}

function planInitSeccomp(request: StartRequest): SeccompPlan {
  const { seccomp, config, bundle } = request;
  const state = stateAroundPid(subjectOf(request), 'creating');
  return planSeccomp(seccomp, config.linux?.seccomp, {
    ociVersion: config.ociVersion,
    bundle,
    privileged: request.facts.euid === 0,
    state,
  });
}

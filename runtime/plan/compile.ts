import type { Config, Process } from '../config/config.ts';
import { planCgroup } from './cgroup.ts';
import type { Layers } from './file-system-context.ts';
import { planFileSystems } from './file-systems.ts';
import type { HostFacts } from './host-facts.ts';
import { planHostName } from './host-name.ts';
import { planLoopback } from './loopback.ts';
import { planNamespaces } from './namespaces.ts';
import type { Op, Plan } from './ops.ts';
import { type ProcessPlan, planProcess } from './process.ts';
import type { CompiledSeccomp } from './seccomp/compile.ts';
import { stages } from './stages.ts';
import { planSysctls } from './sysctl.ts';

/** All that a start depends on. Every path is absolute. */
export interface StartRequest {
  readonly config: Config & { readonly process: Process };
  readonly id: string;
  readonly bundle: string;
  readonly layers: Layers | null;
  readonly seccomp: CompiledSeccomp | null;
  readonly facts: HostFacts;
  readonly cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  readonly preserveFds: number;
  readonly noNewKeyring: boolean;
  readonly pidFile: string | null;
  /** Leave state directory and cgroup when the process has ended. */
  readonly keep: boolean;
  /** <root>/<id>, and what state.json holds as soon as it is known where the cgroup will be. */
  readonly state: {
    readonly root: string;
    readonly initFile: string;
    readonly files: (cgroup: CgroupPlace | null) => readonly StateFile[];
  };
}

export interface StateFile {
  readonly name: string;
  readonly content: Uint8Array;
}

export type CgroupPlace = { readonly mountpoint: string; readonly path: string };

/**
 * (configuration, options, facts) → the plan of `run`: make the container, become its process, wait, clear up. Pure: the same
 * request gives the same plan, which `krun plan` prints. Throws KrunError with the pointer of what cannot be had.
 *
 * What undoes a creation is registered before it, so that no failure can come in between; while its slot is empty it does nothing.
 */
export function compilePlan(request: StartRequest): Plan {
  const { config, facts, id } = request;
  const privileged = facts.euid === 0;
  const cgroup = planCgroup(config, { id, root: request.state.root, cgroupManager: request.cgroupManager }, facts);
  const { inUserNamespace, ...namespaces } = planNamespaces(config, { privileged });
  const sysctls = planSysctls(config);
  const files = planFileSystems(config, {
    bundle: request.bundle,
    layers: request.layers,
    privileged,
    inUserNamespace: facts.inUserNamespace,
    cgroup: cgroup.cgroup,
  });
  const process = planProcess(config, config.process, {
    id,
    preserveFds: request.preserveFds,
    noNewKeyring: request.noNewKeyring,
    privileged,
    inUserNamespace,
    root: 'root',
    seccomp: planSeccomp(request.seccomp),
  });
  const confinement = planConfinement(config, cgroup.confine);
  const init: Plan = [
    ...process.begin,
    ...files.root,
    ...confinement.init,
    ...planLoopback(config),
    ...planHostName(config),
    ...sysctls.init,
    ...files.seal,
    ...process.directory,
    ...files.pivot,
    ...files.after,
    { op: 'waitForParent', pointer: '', stage: stages.recorded },
    ...process.end,
  ];
  return [
    ...process.host,
    ...planState(request, cgroup.cgroup),
    ...cgroup.create,
    ...namespaces.host,
    ...sysctls.host,
    ...files.host,
    ...namespaces.start({ program: init, cgroup: cgroup.slot, early: process.early }),
    ...confinement.helper,
    ...planRun(request, process),
  ];
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

// From the clone on: init goes on only when the state directory knows it, so that no crash can lose it.
function planRun({ state, pidFile, keep }: StartRequest, process: ProcessPlan): Plan {
  return [
    { op: 'recordInit', pointer: '', directory: 'state', name: state.initFile },
    { op: 'notifyChild', pointer: '', stage: stages.recorded },
    ...process.helper,
    { op: 'waitForExecute', pointer: '' },
    ...(pidFile === null ? [] : [{ op: 'writePidFile', pointer: '', path: pidFile } as const]),
    ...(keep ? [{ op: 'forgetExits', pointer: '' } as const] : []),
    { op: 'wait', pointer: '' },
  ];
}

function planState({ id, state }: StartRequest, cgroup: CgroupPlace | null): Plan {
  const directory = 'state';
  return [
    { op: 'onExit', pointer: '', program: [{ op: 'removeStateDirectory', pointer: '', path: state.root, id, directory }] },
    { op: 'createStateDirectory', pointer: '', path: state.root, id, directory },
    ...state.files(cgroup).map(({ name, content }): Op => ({ op: 'writeStateFile', pointer: '', directory, name, content })),
  ];
}

function planSeccomp(seccomp: CompiledSeccomp | null): readonly Op[] {
  return seccomp === null ? [] : [{ op: 'installSeccomp', pointer: '/linux/seccomp', ...seccomp }];
}

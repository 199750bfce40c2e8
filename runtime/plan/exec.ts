import { keepsGroups } from '../config/annotations.ts';
import type { Config, NamespaceType, Process } from '../config/config.ts';
import { parseNumberList } from '../config/scheduling.ts';
import { CLONE_PARENT, namespaceFlags } from './constants/namespaces.ts';
import { stateText } from './container-state.ts';
import { type HostFacts, mayKeepGroups } from './host-facts.ts';
import { rootOf } from './id-map.ts';
import { planExecIntelRdt } from './intel-rdt.ts';
import { planExecLabels, requireSecurityModules } from './labels.ts';
import { waitToEnter } from './namespaces.ts';
import type { Op, Plan } from './ops.ts';
import { type ProcessPlan, planProcess } from './process.ts';
import type { CompiledSeccomp } from './seccomp/compile.ts';
import { type ListenerSubject, planSeccomp } from './seccomp/install.ts';
import { stages } from './stages.ts';
import { planPidfdSocket, planTerminal, type TerminalPlan } from './terminal.ts';

/** All that `exec` depends on. */
export interface ExecRequest {
  readonly id: string;
  /** The container's configuration as it was saved when it was made. */
  readonly config: Config;
  readonly process: Process;
  readonly bundle: string;
  /** Of the container. */
  readonly status: 'created' | 'running';
  readonly init: { readonly pid: number; readonly startTime: bigint };
  /** The types of init's namespaces that are not the caller's own: whatever the configuration said, exec is to be where init is. */
  readonly namespaces: readonly NamespaceType[];
  /** Init is in a user namespace that forbids to set supplementary groups. */
  readonly deniesSetgroups: boolean;
  /** The cgroup to start in; null: the caller's own. */
  readonly cgroup: ExecCgroup | null;
  readonly seccomp: CompiledSeccomp | null;
  readonly facts: HostFacts;
  readonly preserveFds: number;
  readonly noNewKeyring: boolean;
  readonly pidFile: string | null;
  readonly detach: boolean;
  /** Where the terminal's master and a pidfd of the process are to be sent. */
  readonly consoleSocket: string | null;
  readonly pidfdSocket: string | null;
}

export interface ExecCgroup {
  readonly mountpoint: string;
  readonly path: string;
  /** The state directory that it must be of; '': anybody's. */
  readonly owner: string;
  /** What the helper does to put the process there (scope.ts); none: it is cloned into it. */
  readonly enter?: Plan;
}

/**
 * The plan of `exec`: a process beside init, in its namespaces and cgroup. One setns on init's pidfd joins them all, the user namespace
 * first, in which the rights over the others are judged (setns(2)). Who joins a pid namespace does not enter it, only its children do:
 * then a stage joins, and its clone is the process.
 *
 * Whatever runs in the container may be hostile, and sees the process as soon as that is in the pid namespace: by then it
 * cannot be looked into (PR_SET_DUMPABLE), and holds no descriptor but the caller's and its line to the helper.
 */
export function compileExec(request: ExecRequest): Plan {
  const { config, process, cgroup, facts } = request;
  requireSecurityModules({}, process, facts);
  const rdt = planExecIntelRdt(config, request.id, facts);
  const inUserNamespace = request.namespaces.includes('user');
  const pieces = planProcess(config, process, {
    id: request.id,
    preserveFds: request.preserveFds,
    noNewKeyring: true,
    privileged: facts.euid === 0,
    inUserNamespace,
    maySetGroups: !request.deniesSetgroups,
    keepGroups: mayKeepGroups(facts) && keepsGroups(config),
    root: '',
    seccomp: planSeccomp(request.seccomp, config.linux?.seccomp, listenerSubject(request)),
    cpus: parseNumberList(process.execCPUAffinity?.final ?? '') ?? [],
  });
  const terminal = planTerminal(process, { detach: request.detach, consoleSocket: request.consoleSocket, root: null });
  const pidfd = planPidfdSocket(request.pidfdSocket, 'setns');
  return [
    ...pieces.host,
    ...terminal.host,
    ...pidfd.host,
    { op: 'openProcess', pointer: '', ...request.init, process: initSlot },
    ...(cgroup === null ? [] : [openCgroup(cgroup)]),
    ...rdt.create,
    ...initialAffinity(process),
    startProcess(request, pieces, terminal),
    ...(cgroup?.enter ?? []),
    ...(rdt.join.length === 0 ? [] : [...rdt.join, { op: 'notifyChild', pointer: '', stage: stages.grouped } as const]),
    ...pidfd.helper,
    ...pieces.helper,
    { op: 'waitForExecute', pointer: '' },
    ...terminal.helper,
    ...(request.pidFile === null ? [] : [{ op: 'writePidFile', pointer: '', path: request.pidFile } as const]),
    ...(request.detach ? leaveBehind : [terminal.wait]),
  ];
}

function listenerSubject({ id, config, init, bundle, status, facts }: ExecRequest): ListenerSubject {
  const { ociVersion, annotations } = config;
  const state = { before: stateText({ ociVersion, id, bundle, annotations }, status, init.pid), after: '' };
  return { ociVersion, bundle, privileged: facts.euid === 0, state };
}

const initSlot = 'init';
const cgroupSlot = 'cgroup';
const undumpable: Op = { op: 'setDumpable', pointer: '', dumpable: false };
// The process goes on when the helper has gone.
const leaveBehind: Plan = [{ op: 'exit', pointer: '', status: 0 }];

function openCgroup({ mountpoint, path, owner }: ExecCgroup): Op {
  return { op: 'openCgroup', pointer: '/linux/cgroupsPath', mountpoint, path, owner, orGone: false, cgroup: cgroupSlot };
}

// config.md#linux-process: `initial` holds before the process is moved to the container's cgroup, in which it is born here.
function initialAffinity({ execCPUAffinity }: Process): Op[] {
  const cpus = parseNumberList(execCPUAffinity?.initial ?? '') ?? [];
  return cpus.length === 0 ? [] : [{ op: 'setAffinity', pointer: '/process/execCPUAffinity/initial', cpus }];
}

// The first clone is the one into the cgroup: from inside of a user or cgroup namespace nobody could be put there (cgroups(7)).
function startProcess(request: ExecRequest, pieces: ProcessPlan, terminal: TerminalPlan): Op {
  const { config, id, process, cgroup, preserveFds, noNewKeyring } = request;
  const types = new Set(request.namespaces);
  const program: Op[] = [
    ...(types.has('user') ? [becomeRoot(config)] : []),
    undumpable,
    ...(config.linux?.intelRdt === undefined ? [] : [{ op: 'waitForParent', pointer: '', stage: stages.grouped } as const]),
    ...pieces.begin,
    ...terminal.control,
    ...(noNewKeyring ? [] : [{ op: 'enterSessionKeyring', pointer: '', name: `_ses.${id}` } as const]),
    ...pieces.end,
  ];
  const join: Op[] = [
    ...waitToEnter(cgroup?.enter ?? []),
    ...pieces.early,
    undumpable,
    ...planExecLabels(process),
    ...joinInit(types),
    ...openTerminal(types, config, terminal),
    { op: 'closeDescriptors', pointer: '', preserve: preserveFds },
  ];
  const inner: Op[] = types.has('pid') ? [{ op: 'clone', pointer: '', flags: CLONE_PARENT, cgroup: null, program }] : program;
  const isBornThere = cgroup !== null && (cgroup.enter ?? []).length === 0;
  return { op: 'clone', pointer: '', flags: 0n, cgroup: isBornThere ? cgroupSlot : null, program: [...join, ...inner] };
}

// Who opens a terminal owns it: it must be somebody whom the container's user namespace knows. A change of user makes dumpable again.
function openTerminal(types: ReadonlySet<NamespaceType>, config: Config, { open }: TerminalPlan): readonly Op[] {
  return open.length > 0 && types.has('user') ? [becomeRoot(config), undumpable, ...open] : open;
}

function joinInit(types: ReadonlySet<NamespaceType>): Op[] {
  const type = [...types].reduce((flags, each) => flags | namespaceFlags[each], 0n);
  return type === 0n ? [] : [{ op: 'setns', pointer: '', namespace: initSlot, type }];
}

// As namespaces.ts has it for init: the id that came along may not be mapped.
function becomeRoot({ linux }: Config): Op {
  const [uid, gid] = [rootOf(linux?.uidMappings), rootOf(linux?.gidMappings)];
  return { op: 'setUser', pointer: '/linux/uidMappings', uid, gid, groups: [], setGroups: false };
}

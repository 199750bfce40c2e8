import type { Config, NamespaceType, Process } from '../config/config.ts';
import { capabilitySets } from './capabilities.ts';
import { planCgroup } from './cgroup.ts';
import type { CgroupPlan } from './cgroup-plan.ts';
import type { StateFile } from './compile.ts';
import { MS_PRIVATE, MS_SLAVE } from './constants/mount.ts';
import { namespaceFlags } from './constants/namespaces.ts';
import type { StateSubject } from './container-state.ts';
import { awaitCriu, type CriuDialogue, type CriuProgram, startCriu } from './criu.ts';
import { planPoststopHooks, planRuntimeHooks } from './hooks.ts';
import type { HostFacts } from './host-facts.ts';
import type { Op, Plan } from './ops.ts';
import { KEY_USR_SEARCH } from './process.ts';
import { planTerminal } from './terminal.ts';

/** All that a restore depends on. Every path is absolute. */
export interface RestoreRequest {
  readonly config: Config & { readonly process: Process };
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly facts: HostFacts;
  readonly cgroupManager: 'cgroupfs' | 'disabled';
  readonly rootless: 'true' | 'false' | 'auto';
  readonly program: CriuProgram;
  readonly images: string;
  readonly work: string;
  readonly log: string;
  /** criu's request, once it is known where the cgroup will be. */
  readonly request: (cgroup: string | null) => Uint8Array;
  /** Opened for criu and placed at these numbers. */
  readonly namespaces: readonly {
    readonly path: string;
    readonly pointer: string;
    readonly type: 'network' | 'pid';
    readonly number: number;
  }[];
  /** In-root directories to mount on. */
  readonly directories: readonly string[];
  readonly pidFile: string | null;
  readonly consoleSocket: string | null;
  readonly detach: boolean;
  readonly state: {
    readonly root: string;
    readonly creatingFile: string;
    readonly initFile: string;
    readonly files: (cgroup: Pick<CgroupPlan, 'cgroup' | 'unit'>) => readonly [StateFile, ...StateFile[]];
  };
}

/** Where criu finds the root file system, in a mount namespace of its own: bound over itself, so that it is a mount. */
export function restoredRoot(rootfs: string): string {
  return rootfs;
}

/**
 * The plan of `restore`: state and cgroup as for a start, then criu makes the processes. It is kept at three points: when the namespaces are
 * there, for the hooks; when all is restored, for limits and devices; and before anything runs, to see that nobody got more rights
 * from the images than the configuration gives. Pure.
 */
export function compileRestore(request: RestoreRequest): Plan {
  const { config, facts, id, state } = request;
  const { files, root } = state;
  const cgroup = planCgroup(config, { id, root, cgroupManager: request.cgroupManager, rootless: request.rootless }, facts);
  const [first, ...later] = files(cgroup);
  const terminal = planTerminal(config.process, { detach: request.detach, consoleSocket: request.consoleSocket, root: 'root' });
  const hooks = subjectOf(request);
  const dialogue: CriuDialogue = {
    program: request.program,
    images: request.images,
    work: request.work,
    request: request.request(cgroup.cgroup?.path ?? null),
    descriptors: request.namespaces.map(({ type, number }) => ({ slot: slotOf(type), number })),
    mounts: mountRoot(request),
    cgroup: cgroup.slot,
    log: request.log,
  };
  return [
    ...(request.consoleSocket === null ? [] : terminal.host),
    ...makeState(request, first),
    ...cgroup.create,
    ...writeStateFiles(later),
    ...openNamespaces(request),
    ...startCriu(dialogue),
    awaitCriu(dialogue, 'setup-namespaces', { acknowledge: false, restores: true }),
    { op: 'recordInit', pointer: '', directory: 'state', name: state.creatingFile },
    ...planRuntimeHooks(config.hooks, hooks),
    awaitCriu(dialogue, 'post-restore', { acknowledge: true, restores: true }),
    ...cgroup.confine,
    awaitCriu(dialogue, 'pre-resume', { acknowledge: true, restores: true }),
    checkConfinement(config, cgroup.slot),
    { op: 'renameStateFile', pointer: '', directory: 'state', from: state.creatingFile, to: state.initFile },
    awaitCriu(dialogue, '', { acknowledge: true, restores: true }),
    ...handOver(request),
  ];
}

function subjectOf({ config, id, bundle }: RestoreRequest): StateSubject {
  return { ociVersion: config.ociVersion, id, bundle, annotations: config.annotations };
}

function makeState(request: RestoreRequest, first: StateFile): Plan {
  const { config, id, state } = request;
  const directory = 'state';
  const poststop = planPoststopHooks(config.hooks, subjectOf(request), directory);
  return [
    ...(poststop.length > 0 ? [{ op: 'onExit', pointer: '', program: poststop } as const] : []),
    { op: 'onExit', pointer: '', program: [{ op: 'removeStateDirectory', pointer: '', path: state.root, id, directory }] },
    { op: 'createStateDirectory', pointer: '', path: state.root, id, directory },
    ...writeStateFiles([first]),
  ];
}

function writeStateFiles(files: readonly StateFile[]): Plan {
  return files.map(({ name, content }): Op => ({ op: 'writeStateFile', pointer: '', directory: 'state', name, content }));
}

function openNamespaces({ namespaces }: RestoreRequest): Plan {
  return namespaces.map(({ type, path, pointer }): Op => {
    return { op: 'openNamespace', pointer, path, type: namespaceFlags[type], foreign: false, namespace: slotOf(type) };
  });
}

function slotOf(type: 'network' | 'pid'): string {
  return `${type}-namespace`;
}

// criu wants a mount as root, whose parent nothing covers; what it mounts stays in its namespace and in the container's.
function mountRoot({ id, rootfs, directories }: RestoreRequest): Plan {
  return [
    // Its children inherit it: criu knows no keyrings.
    { op: 'joinSessionKeyring', pointer: '', name: `_ses.${id}`, permissions: KEY_USR_SEARCH },
    { op: 'setPropagation', pointer: '', path: '/', mount: null, propagation: MS_SLAVE, recursive: true },
    { op: 'openRoot', pointer: '/root/path', path: rootfs, recursive: true, propagation: MS_PRIVATE, userNamespace: null, root: 'root' },
    ...directories.map((path): Op => ({ op: 'createDirectory', pointer: '', root: 'root', path, mode: 0o755, uid: 0, gid: 0 })),
  ];
}

// In a user namespace of its own all capabilities are over that alone.
function checkConfinement({ process, linux }: RestoreRequest['config'], cgroup: string | null): Op {
  const sets = Object.values(capabilitySets(process.capabilities ?? {}));
  return {
    op: 'checkConfinement',
    pointer: '/process',
    cgroup,
    capabilities: sets.reduce((all, set) => all | set, 0n),
    noNewPrivileges: process.noNewPrivileges === true,
    seccomp: (linux?.seccomp?.syscalls?.length ?? 0) > 0,
    namespaces: (linux?.namespaces ?? []).filter(({ path }) => path === undefined).map(({ type }) => namespaceNames[type]),
  };
}

// As /proc/PID/ns has them.
const namespaceNames = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
} as const satisfies Record<NamespaceType, string>;

function handOver({ config, consoleSocket, pidFile, detach }: RestoreRequest): Plan {
  const hasTerminal = config.process.terminal === true;
  const socket = 'terminal/socket';
  return [
    ...(hasTerminal && consoleSocket !== null
      ? [{ op: 'sendDescriptor', pointer: '/process/terminal', socket, descriptor: 'terminal', name: '/dev/ptmx' } as const]
      : []),
    ...(pidFile === null ? [] : [{ op: 'writePidFile', pointer: '', path: pidFile } as const]),
    ...(detach ? leave : [hasTerminal ? ({ op: 'relay', pointer: '/process/terminal', terminal: 'terminal' } as const) : wait]),
  ];
}

const wait: Op = { op: 'wait', pointer: '' };
const leave: Plan = [
  { op: 'releaseInit', pointer: '' },
  { op: 'forgetExits', pointer: '' },
  { op: 'exit', pointer: '', status: 0 },
];

import type { Config, Process } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { capabilitySets, planCapabilities } from './capabilities.ts';
import { deduplicate, variable } from './environment.ts';
import type { Op } from './ops.ts';
import { planRlimits } from './rlimits.ts';
import { planScheduling } from './scheduling.ts';
import type { SeccompPlan } from './seccomp/install.ts';

export interface ProcessOptions {
  readonly id: string;
  /** The descriptors from 3 on that the process keeps. */
  readonly preserveFds: number;
  readonly noNewKeyring: boolean;
  readonly privileged: boolean;
  readonly inUserNamespace: boolean;
  /** False: the user namespace denies it (user_namespaces(7)); by default one that was made without privileges does. */
  readonly maySetGroups?: boolean;
  /** The caller's supplementary groups stay. */
  readonly keepGroups?: boolean;
  /** The slot of the root file system. */
  readonly root: string;
  readonly seccomp: SeccompPlan;
  /** With --init: what the child of the first process, which becomes the container's process, does first of all; null: there is no such child. */
  readonly child?: readonly Op[] | null;
  /** What init does when all is set up and its program is found: it may wait here for `start`. */
  readonly beforeExecute?: readonly Op[];
  /** The processors to run on; none: all that the cgroup leaves. */
  readonly cpus?: readonly number[];
}

/** The pieces of a plan that turn init into the container's process; each has its place, named here. */
export interface ProcessPlan {
  /** In the helper, before it opens anything. */
  readonly host: readonly Op[];
  /** For NamespacePlan.start. */
  readonly early: readonly Op[];
  /** In init, first of all. */
  readonly begin: readonly Op[];
  /** In init, when all is mounted and the root is still writable. */
  readonly directory: readonly Op[];
  /** In init, after pivotRoot; the last op is execute. */
  readonly end: readonly Op[];
  /** In the helper, between the clone and waitForExecute. */
  readonly helper: readonly Op[];
}

export function planProcess(config: Pick<Config, 'linux'>, process: Process, options: ProcessOptions): ProcessPlan {
  const limits = planRlimits(process, options.inUserNamespace);
  return {
    host: [
      ...(options.preserveFds === 0 ? [] : [preserveDescriptors(options.preserveFds)]),
      ...(hasInit(options) ? [openHelper] : []),
      ...options.seccomp.host,
    ],
    early:
      process.oomScoreAdj === undefined ? [] : [{ op: 'setOomScoreAdjust', pointer: '/process/oomScoreAdj', value: process.oomScoreAdj }],
    begin: planBegin(options),
    directory: process.cwd === '/' ? [] : [createCwd(process.cwd, options.root)],
    end: planEnd({ ...config, process }, options, limits.init),
    helper: [...limits.helper, ...options.seccomp.helper],
  };
}

function hasInit({ child }: ProcessOptions): boolean {
  return child !== undefined && child !== null;
}

const openHelper: Op = { op: 'openHelper', pointer: '' };

function preserveDescriptors(count: number): Op {
  return { op: 'preserveDescriptors', pointer: '', count };
}

// Modes are to be what the ops say, whatever the caller's umask; the container's own comes with its user.
function planBegin(options: ProcessOptions): Op[] {
  const { id, noNewKeyring, inUserNamespace } = options;
  const begin: Op[] = [
    { op: 'setsid', pointer: '' },
    { op: 'setUmask', pointer: '', mask: 0 },
    ...(hasInit(options) ? [{ op: 'prepareInit', pointer: '' } as const] : []),
  ];
  const permissions = inUserNamespace ? KEY_OTH_SEARCH : KEY_USR_SEARCH;
  return noNewKeyring ? begin : [...begin, { op: 'joinSessionKeyring', pointer: '', name: `_ses.${id}`, permissions }];
}

// <linux/keyctl.h> has no names for them: keyctl_setperm(3). With them, exec finds the keyring by its name.
const KEY_OTH_SEARCH = 0x8;
export const KEY_USR_SEARCH = 0x8_0000;

function createCwd(path: string, root: string): Op {
  return { op: 'createDirectory', pointer: '/process/cwd', root, path, mode: 0o755, uid: 0, gid: 0 };
}

/*
 * The order is that of SECURITY.md's rule 9, and each step has a reason to stand before the next: descriptors of the host are closed before
 * a working directory could lead through one; what opens files comes before the limits; what takes capabilities before they are dropped.
 * A seccomp filter takes CAP_SYS_ADMIN or no_new_privs: without the latter it comes before the change of user, else last. With a listener it
 * takes the helper as well, which is gone when a created container is started: then it comes before the gate, as in runc, and whoever
 * waits there waits under the filter.
 */
function planEnd(config: Pick<Config, 'linux'> & { readonly process: Process }, options: ProcessOptions, limits: readonly Op[]): Op[] {
  const { process } = config;
  const capabilities = planCapabilities(process);
  const late = process.noNewPrivileges === true;
  const scheduling = planScheduling(config, options.cpus);
  return [
    { op: 'closeDescriptors', pointer: '', preserve: options.preserveFds },
    ...findHome(process),
    { op: 'chownStdio', pointer: '', uid: uidOf(process), gid: unchanged },
    ...changeDirectoryFirst(process),
    ...(hasInit(options) ? [] : scheduling),
    { op: 'setUmask', pointer: '/process/user/umask', mask: process.user?.umask ?? 0o022 },
    ...limits,
    ...(hasInit(options) ? [...forkFromInit(process, options), ...scheduling] : []),
    ...capabilities.before,
    ...(late ? [{ op: 'setNoNewPrivileges', pointer: '/process/noNewPrivileges' } as const] : options.seccomp.install),
    setUser(process, options),
    ...capabilities.after,
    ...changeDirectoryAgain(process),
    { op: 'findProgram', pointer: '/process/args/0', name: process.args[0] ?? '', searchPath: variable(process.env ?? [], 'PATH') ?? '' },
    ...(late && options.seccomp.hasListener ? options.seccomp.install : []),
    ...(options.beforeExecute ?? []),
    ...(late && !options.seccomp.hasListener ? options.seccomp.install : []),
    { op: 'execute', pointer: '/process/args', arguments: process.args, environment: deduplicate(process.env ?? []) },
  ];
}

/*
 * Both have the limits, which the helper may have to set, and each is then alone: who is scheduled by deadlines may not fork. Neither
 * the container's seccomp filter nor its notifications are the first process' concern. As root it keeps the right to signal its child,
 * if the container has it: whatever else it inherited goes by execve, which gives root no more than the bounding set.
 */
function forkFromInit(process: Process, options: ProcessOptions): Op[] {
  const mayKill = capabilitySets(process.capabilities ?? {}).permitted & (1n << CAP_KILL);
  const program: Op[] = [
    { op: 'changeDirectory', pointer: '', path: '/', mayBeDenied: false },
    { op: 'dropBoundingSet', pointer: '', keep: mayKill },
    setUser(process, options),
    { op: 'setCapabilities', pointer: '', effective: mayKill, permitted: mayKill, inheritable: 0n },
    { op: 'setAmbient', pointer: '', ambient: 0n },
    { op: 'becomeInit', pointer: '' },
  ];
  return [{ op: 'fork', pointer: '', program }, ...(options.child ?? [])];
}

const CAP_KILL = 5n; // <linux/capability.h>

// (gid_t)-1 leaves the group: a terminal's is tty.
const unchanged = 0xffff_ffff;

function findHome(process: Process): Op[] {
  const isSet = variable(process.env ?? [], 'HOME') !== undefined;
  return isSet ? [] : [{ op: 'findHome', pointer: '/process/user/uid', uid: uidOf(process) }];
}

// Root may go where the user may not, and on some file systems (FUSE, NFS) the other way round.
function changeDirectoryFirst(process: Process): Op[] {
  return [{ op: 'changeDirectory', pointer: '/process/cwd', path: process.cwd, mayBeDenied: uidOf(process) !== 0 }];
}

function changeDirectoryAgain(process: Process): Op[] {
  return uidOf(process) === 0 ? [] : [{ op: 'changeDirectory', pointer: '/process/cwd', path: process.cwd, mayBeDenied: false }];
}

// Always setgroups, or the caller's own groups would stay. But a user namespace may deny it: there none can be set, and none be lost.
function setUser(process: Process, options: ProcessOptions): Op {
  const { privileged, inUserNamespace, keepGroups = false, maySetGroups = privileged || !inUserNamespace } = options;
  const groups = process.user?.additionalGids ?? [];
  if (groups.length > 0 && !maySetGroups) throw groupsDenied();
  const setGroups = maySetGroups && (groups.length > 0 || !keepGroups);
  return { op: 'setUser', pointer: '/process/user', uid: uidOf(process), gid: process.user?.gid ?? 0, groups, setGroups };
}

function groupsDenied(): KrunError {
  return new KrunError('E_PROCESS', 'supplementary groups cannot be set: this user namespace denies setgroups', {
    pointer: '/process/user/additionalGids',
    hint: 'leave them out, or map gids of /etc/subgid in linux.gidMappings: then newgidmap allows it',
  });
}

function uidOf(process: Process): number {
  return process.user?.uid ?? 0;
}

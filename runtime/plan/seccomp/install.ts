import type { Seccomp } from '../../config/config.ts';
import type { StateParts } from '../container-state.ts';
import type { Op } from '../ops.ts';
import type { CompiledSeccomp } from './compile.ts';
import { newListener } from './flags.ts';

/** The pieces of a plan that put a process under its filter; all empty without one. */
export interface SeccompPlan {
  /** In the helper, before the clone. */
  readonly host: readonly Op[];
  /** In the process. */
  readonly install: readonly Op[];
  /** In the helper, meanwhile. */
  readonly helper: readonly Op[];
  /** Whether the process waits for the helper while it installs. */
  readonly hasListener: boolean;
}

/** What the agent at the listener is told of the process. */
export interface ListenerSubject {
  readonly ociVersion: string;
  /** Where a relative listenerPath begins. */
  readonly bundle: string;
  readonly privileged: boolean;
  /** The container's state: around the pid of the process if that is init, else complete (`after` is empty). */
  readonly state: StateParts;
}

/**
 * linux.seccomp. SCMP_ACT_NOTIFY takes a listener, a descriptor that seccomp(2) gives to the process itself, of all: any call by which it
 * could pass it on may be one that it has just forbidden itself, or one that waits for whoever gets the descriptor. So the helper,
 * which is under no filter, takes it (pidfd_getfd(2)), and sends it to the agent (config-linux.md#containerprocessstate).
 */
export function planSeccomp(compiled: CompiledSeccomp | null, profile: Seccomp | undefined, subject: ListenerSubject): SeccompPlan {
  if (compiled === null) return noFilter;
  if ((compiled.flags & newListener) === 0) return { ...noFilter, install: [{ op: 'installSeccomp', pointer, ...compiled }] };
  const [listener, socket] = ['seccomp/listener', 'seccomp/socket'];
  const path = resolvePath(subject.bundle, profile?.listenerPath ?? '');
  return {
    host: [{ op: 'shareListener', pointer }],
    install: [...(subject.privileged ? [] : [visible]), { op: 'installSeccompListener', pointer, ...compiled }],
    helper: [
      { op: 'takeListener', pointer, listener },
      { op: 'connectSocket', pointer: listenerPath, path, socket },
      { op: 'sendProcessState', pointer: listenerPath, socket, listener, parts: processState(profile?.listenerMetadata, subject) },
      { op: 'confirmListener', pointer },
    ],
    hasListener: true,
  };
}

const pointer = '/linux/seccomp';
const listenerPath = `${pointer}/listenerPath`;
const noFilter: SeccompPlan = { host: [], install: [], helper: [], hasListener: false };

// To take a descriptor is to trace (ptrace(2)): of a process that is not dumpable only whoever has CAP_SYS_PTRACE on the host may. With it
// the process is no more open to others in the container than after execve: who has fewer capabilities may not trace it.
const visible: Op = { op: 'setDumpable', pointer, dumpable: true };

function resolvePath(bundle: string, path: string): string {
  return path.startsWith('/') ? path : `${bundle}/${path}`;
}

// The helper writes pids between: first that of the process, then init's, which with --init is another.
function processState(metadata: string | undefined, { ociVersion, state }: ListenerSubject): string[] {
  const head = JSON.stringify({ ociVersion, fds: ['seccompFd'] }).slice(0, -1);
  const rest = `${metadata === undefined ? '' : `,"metadata":${JSON.stringify(metadata)}`},"state":${state.before}`;
  return state.after === '' ? [`${head},"pid":`, `${rest}}`] : [`${head},"pid":`, rest, `${state.after}}`];
}

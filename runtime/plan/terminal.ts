import type { Process } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Op } from './ops.ts';

export interface TerminalOptions {
  /** Whether the helper leaves before the process ends: create, run -d, exec -d. */
  readonly detach: boolean;
  /** Absolute, or null. */
  readonly consoleSocket: string | null;
  /** The slot of init's root, in which the peer becomes /dev/console; null: the child's own root is the container's (exec). */
  readonly root: string | null;
}

/** The pieces of a plan that give the process a terminal; all empty without one, but for `wait`. */
export interface TerminalPlan {
  /** In the helper, before the clone. */
  readonly host: readonly Op[];
  /** In the child: in the container's namespaces as its root, after the mounts, while /dev is writable, before closeDescriptors. */
  readonly open: readonly Op[];
  /** In the child, which has 0 to 2 from the former, and leads a session of its own. */
  readonly control: readonly Op[];
  /** In the helper, after waitForExecute. */
  readonly helper: readonly Op[];
  /** In the helper, last, unless it leaves: `wait` or `relay`. */
  readonly wait: Op;
}

/**
 * process.terminal and process.consoleSize. The master goes to the console socket, as containerd and conmon expect it, or to the helper
 * that relays it. Throws E_TERMINAL with runc's words when socket and terminal do not go together.
 */
export function planTerminal(process: Process, options: TerminalOptions): TerminalPlan {
  requireMatch(process, options);
  if (process.terminal !== true) return { host: [], open: [], control: [], helper: [], wait: { op: 'wait', pointer: '' } };
  const { consoleSocket } = options;
  return {
    host: [
      consoleSocket === null
        ? { op: 'openSocketPair', pointer, near: 'terminal/near', far: socket }
        : { op: 'connectSocket', pointer: '', path: consoleSocket, socket },
    ],
    open: planOpen(process, options),
    control: [{ op: 'setControllingTerminal', pointer }],
    helper: consoleSocket === null ? [{ op: 'receiveDescriptor', pointer, socket: 'terminal/near', descriptor: 'terminal' }] : [],
    wait: { op: 'relay', pointer, terminal: 'terminal' },
  };
}

/** --pidfd-socket: a pidfd of the first process, sent as soon as there is one. `name` is what runc sends: standard (init) or setns (exec). */
export function planPidfdSocket(
  path: string | null,
  name: 'standard' | 'setns',
): { readonly host: readonly Op[]; readonly helper: readonly Op[] } {
  if (path === null) return { host: [], helper: [] };
  return {
    host: [{ op: 'connectSocket', pointer: '', path, socket: 'pidfd/socket' }],
    helper: [
      { op: 'openInit', pointer: '', process: 'pidfd' },
      { op: 'sendDescriptor', pointer: '', socket: 'pidfd/socket', descriptor: 'pidfd', name },
    ],
  };
}

const pointer = '/process/terminal';
const socket = 'terminal/socket';
const peer = 'terminal/peer';

// config.md#process: consoleSize is to be ignored without a terminal.
function planOpen({ consoleSize }: Process, { consoleSocket, root }: TerminalOptions): readonly Op[] {
  const [height, width] = [requireSize(consoleSize?.height, 'height'), requireSize(consoleSize?.width, 'width')];
  return [
    { op: 'openTerminal', pointer, root, height, width, relayed: consoleSocket === null, terminal: 'terminal', peer },
    ...(root !== null ? [{ op: 'bindConsole', pointer, root, peer } as const] : []),
    { op: 'sendDescriptor', pointer, socket, descriptor: 'terminal', name: '/dev/ptmx' },
    { op: 'useTerminal', pointer, peer },
  ];
}

// struct winsize has 16 bits for each; a number that is cut to them would be another size.
function requireSize(size: number | undefined, name: 'height' | 'width'): number {
  if (size === undefined || size <= 0xffff) return size ?? 0;
  throw new KrunError('E_CONFIG', `process.consoleSize.${name} must be at most 65535`, { pointer: `/process/consoleSize/${name}` });
}

function requireMatch({ terminal = false }: Process, { detach, consoleSocket }: TerminalOptions): void {
  if (terminal && detach && consoleSocket === null)
    throw new KrunError('E_TERMINAL', 'cannot allocate tty if krun will detach without setting console socket', {
      pointer,
      hint: 'give --console-socket, or set process.terminal to false',
    });
  if ((!terminal || !detach) && consoleSocket !== null)
    throw new KrunError('E_TERMINAL', 'cannot use console socket if krun will not detach or allocate tty', {
      hint: terminal ? 'without --detach krun itself is at the terminal' : 'set process.terminal to true, or leave --console-socket out',
    });
}

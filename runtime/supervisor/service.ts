// `krun supervisor`: the plans that make a helper the resident supervisor, end that, and tell about it.
import { existsSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Caller } from '../container/caller.ts';
import { countListenFds } from '../container/listen-fds.ts';
import { describeProcess, readLivingProcess } from '../container/stored-state.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Op, Plan } from '../plan/ops.ts';
import { residentNodeOptions } from './node-options.ts';
import type { ResidentSettings } from './resident-settings.ts';

/** Where the socket is: KRUN_SUPERVISOR, or as runtime/helper/resident.c has it. Throws E_SUPERVISOR when there is no place for it. */
export function servicePlace({ env, uid }: Caller): ServicePlace {
  const given = env.get('KRUN_SUPERVISOR') ?? '';
  const runtimeDirectory = uid === 0 ? '/run' : env.get('XDG_RUNTIME_DIR');
  if (given.startsWith('/')) return place(given);
  if (given === '' && runtimeDirectory?.startsWith('/')) return place(join(runtimeDirectory, 'krun/.supervisor/socket'));
  throw new KrunError(
    'E_SUPERVISOR',
    'there is no place for the socket: XDG_RUNTIME_DIR is not set, or KRUN_SUPERVISOR is no absolute path',
    {
      hint: 'set KRUN_SUPERVISOR to the absolute path of a socket in a directory of its own',
    },
  );
}

export interface ServicePlace {
  readonly socket: string;
  readonly directory: string;
  /** "<pid> <start time>" of the supervisor. */
  readonly pidFile: string;
}

/** The helper becomes Node with the supervisor in it, at a socket of its own or at the one that systemd has handed down. */
export function becomeService(caller: Caller, given: { readonly idleSeconds: number | null | undefined }): Plan {
  const { socket, directory } = servicePlace(caller);
  const isActivated = countListenFds(caller) > 0;
  const { idleSeconds = isActivated ? activatedIdleSeconds : null } = given;
  const settings: ResidentSettings = { socketPath: isActivated ? null : socket, idleSeconds };
  const listen: Op = { op: 'listen', pointer: '', directory: 'directory', name: nameOf(socket), socket: 'socket' };
  const dist = installation();
  return [
    { op: 'openServiceDirectory', pointer: '', path: dirname(directory), name: nameOf(directory), directory: 'directory' },
    {
      op: 'writeStateFile',
      pointer: '',
      directory: 'directory',
      name: pidFileName,
      content: new TextEncoder().encode(describeProcess(caller.pid)),
    },
    ...(isActivated ? [] : [listen]),
    {
      op: 'becomeProgram',
      pointer: '',
      path: join(dist, 'node'),
      arguments: ['krun-supervisor', ...residentNodeOptions, join(dist, 'resident.cjs'), JSON.stringify(settings)],
      environment: [],
      third: isActivated ? null : 'socket',
      fourth: 'directory',
    },
  ];
}

/** Ends it, and waits until it has ended. E_SUPERVISOR when none runs. */
export function stopService(caller: Caller): Plan {
  const running = readLivingProcess(servicePlace(caller).pidFile);
  if (running === null) throw notRunning();
  return [
    { op: 'openProcess', pointer: '', ...running, process: 'supervisor' },
    { op: 'signalProcess', pointer: '', process: 'supervisor', signal: SIGTERM, orGone: true },
    { op: 'waitForProcess', pointer: '', process: 'supervisor', milliseconds: 10_000 },
    { op: 'exit', pointer: '', status: 0 },
  ];
}

const pidFileName = 'pid';
const SIGTERM = 15;
const activatedIdleSeconds = 600;

function place(socket: string): ServicePlace {
  const directory = dirname(socket);
  return { socket, directory, pidFile: join(directory, pidFileName) };
}

// Beside the program that runs this, be it the small engine or Node; where dist/node is a link, beside the script.
export function installation(): string {
  const dist = dirname(readlinkSync('/proc/self/exe'));
  return existsSync(join(dist, 'resident.cjs')) ? dist : dirname(process.argv[1] ?? '');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function notRunning(): KrunError {
  return new KrunError('E_SUPERVISOR', 'no supervisor is running', { hint: 'krun supervisor starts one' });
}

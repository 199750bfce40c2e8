// A container's state directory, <root>/<id> (0700):
//   state.json  written once, before anything else is made: what the container is and what must be removed after it
//   config.json the configuration that it was made of, for exec (saved-config.ts)
//   creating    "<pid> <start time>" of the container's first process while it is set up, then renamed
//   init        the same once it is made
//   update.lock locked by `update`, `pause` and `resume`, one after the other
//   start.fifo  where a created container waits for `start`, which removes it; report.fifo, by which it then reports
// Status is derived, never stored, so that no crash can leave a lie behind.
import { closeSync, constants, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { KrunError } from '../errors/krun-error.ts';
import type { SystemdUnit } from '../plan/cgroup-plan.ts';

export const stateFileName = 'state.json';
export const creatingFileName = 'creating';
export const initFileName = 'init';
export const lockFileName = 'update.lock';
export const gateFileNames = { gate: 'start.fifo', report: 'report.fifo' } as const;

export interface StoredState {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly owner: number;
  /** /proc/sys/kernel/random/boot_id: a pid of another boot is nobody's. */
  readonly bootId: string;
  /** Where it was made, or null when it has none. */
  readonly cgroup: { readonly mountpoint: string; readonly path: string } | null;
  /** The unit of systemd that the cgroup belongs to. */
  readonly systemd?: SystemdUnit;
  /** Groups of resctrl that go with it. */
  readonly resctrlGroups?: readonly string[];
  /** Its processes share the session keyring of who started it, those of exec too. */
  readonly noNewKeyring?: boolean;
}

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface FoundContainer {
  readonly state: StoredState;
  readonly status: Status;
  /** null once it has ended. */
  readonly init: ProcessIdentity | null;
  /** The same when it has ended too; null if there was none, or in another boot. */
  readonly recorded: ProcessIdentity | null;
  /** Whether a helper is at work on it (it holds the directory's lock). */
  readonly attended: boolean;
  /** What this was found from: who removes the container makes sure that it is still so. */
  readonly seen: readonly SeenFile[];
}

/** A file of a state directory; without content there is none. */
export interface SeenFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** A pid alone can be another process's by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot: /proc/<pid>/stat, field 22. */
  readonly startTime: bigint;
}

/** The container, E_NO_CONTAINER, or E_STATE when its directory cannot be understood. */
export function readContainer(root: string, id: string): FoundContainer {
  const directory = `${root}/${id}`;
  const seen = seeFiles(root, id);
  const [text, madeBy, creatingBy] = seen.map(({ content }) => new TextDecoder().decode(content));
  if (!text) throw new KrunError('E_NO_CONTAINER', `container does not exist: ${id}`, { path: directory });
  const state = parseState(text, directory);
  const made = parseIdentity(madeBy);
  const written = made ?? parseIdentity(creatingBy);
  const recorded = state.bootId === bootId() ? written : null;
  const init = recorded !== null && isAlive(recorded) ? recorded : null;
  const attended = isLocked(directory);
  if (written === null) return { state, status: attended ? 'creating' : 'stopped', init, recorded, attended, seen };
  const status = made === null ? 'creating' : isFrozen(state) ? 'paused' : isAtGate(directory) ? 'created' : 'running';
  return { state, status: init === null ? 'stopped' : status, init, recorded, attended, seen };
}

/** The files that say what a container is; of none for one that is not there, or not yet. */
export function seeFiles(root: string, id: string): readonly SeenFile[] {
  const none = new Uint8Array();
  return [stateFileName, initFileName, creatingFileName].map((name) => ({ name, content: readBytes(`${root}/${id}/${name}`) ?? none }));
}

// init reads the FIFO for as long as it waits: without a reader (ENXIO) it is what a killed `start` has left.
function isAtGate(directory: string): boolean {
  try {
    closeSync(openSync(`${directory}/${gateFileNames.gate}`, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (cause) {
    if (['ENOENT', 'ENXIO'].includes(errorCode(cause))) return false;
    throw new KrunError('E_STATE', `${directory}/${gateFileNames.gate} cannot be opened`, { path: directory, cause });
  }
}

// What `pause` writes. A cgroup above that is frozen is somebody else's doing, which `resume` could not undo.
function isFrozen({ cgroup }: StoredState): boolean {
  return cgroup !== null && readOptional(`${cgroup.mountpoint}${cgroup.path}/cgroup.freeze`) === '1\n';
}

/** The ids below root, sorted; half-made directories without a state file too. */
export function listIds(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw new KrunError('E_STATE', `the state directory ${root} cannot be read`, { path: root, cause });
  }
}

export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

// No process lives through another boot.
let boot: string | undefined;

/** Whether a helper holds the directory's flock: /proc/locks names it by device and inode (proc_locks(5)). */
export function isLocked(directory: string): boolean {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status === undefined) return false;
  const inode = `:${status.ino} `;
  return readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .some((line) => line.includes('FLOCK') && line.includes(inode));
}

function parseState(text: string, directory: string): StoredState {
  try {
    return JSON.parse(text) as StoredState;
  } catch (cause) {
    throw new KrunError('E_STATE', `${directory}/${stateFileName} is damaged`, { path: directory, cause, hint: 'krun gc removes it' });
  }
}

function parseIdentity(text: string | undefined): ProcessIdentity | null {
  const [, pid, startTime] = /^(\d+) (\d+)\n?$/.exec(text ?? '') ?? [];
  return pid === undefined || startTime === undefined ? null : { pid: Number(pid), startTime: BigInt(startTime) };
}

/** The process that a file names as "<pid> <start time>", if it lives. */
export function readLivingProcess(file: string): ProcessIdentity | null {
  const identity = parseIdentity(readOptional(file) ?? undefined);
  return identity !== null && isAlive(identity) ? identity : null;
}

/** "<pid> <start time>" of a process that lives. */
export function describeProcess(pid: number): string {
  return `${pid} ${readStatFields(pid)?.[19] ?? ''}`;
}

// A zombie has ended.
function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  const fields = readStatFields(pid);
  return fields !== null && fields[0] !== 'Z' && fields[0] !== 'X' && fields[19] === String(startTime);
}

// From field 3 on: field 2 may hold blanks and parentheses, so count from the last one.
function readStatFields(pid: number): string[] | null {
  const stat = readOptional(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readOptional(path: string): string | null {
  const bytes = readBytes(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

function readBytes(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR', 'ENODEV'].includes(errorCode(cause))) return null;
    throw new KrunError('E_STATE', `${path} cannot be read`, { path, cause });
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

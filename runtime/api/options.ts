// What the calls of the API take, and the checks that a program without types needs: a wrong option is an error, never ignored.
import type { Stdio } from '../channel/launcher-messages.ts';
import type { Config } from '../config/config.ts';
import { nearestName } from '../config/nearest-name.ts';
import type { OverlayOptions } from '../container/options.ts';
import { KrunError } from '../errors/krun-error.ts';

export type { Stdio } from '../channel/launcher-messages.ts';
export type { OverlayOptions } from '../container/options.ts';

/** A signal by name, or by its number (0 to 64). */
export type SignalName = NodeJS.Signals | (string & {}) | number;

/** A configuration as a program writes it: where config.json has 64-bit numbers, plain ones will do. */
export type ConfigInput = Loose<Config>;

/** The same without the precision that reading a file must keep. */
export type Loose<T> = T extends bigint
  ? number | bigint
  : T extends string | number | boolean | undefined
    ? T
    : T extends readonly (infer Element)[]
      ? readonly Loose<Element>[]
      : { readonly [Name in keyof T]: Loose<T[Name]> };

/** Which container to make. Paths may be relative to the program's working directory. */
export interface ContainerOptions {
  /** 1 to 250 of A-Z a-z 0-9 _ + . -; default: one is made up. */
  readonly id?: string;
  /** The bundle: its config.json is read unless `config` is given. */
  readonly bundle?: string;
  /** A root file system without a bundle; without `config` it is read-only and the rest is as `krun spec` has it. */
  readonly rootfs?: string;
  /** With `rootfs` and without `config`: the program and its arguments. */
  readonly args?: readonly string[];
  /** The configuration instead of config.json's. `root.path` is relative to `bundle`; `rootfs` overrides it. */
  readonly config?: ConfigInput;
  /** Take what is written to the root file system into a tmpfs that is gone at the end. */
  readonly ephemeral?: boolean;
  /** Layers: directories below the root (topmost first), and where to keep what is written. */
  readonly overlay?: Partial<OverlayOptions>;
  /** Make the process the child of a first process of krun's own, which reaps whoever is left to it. */
  readonly init?: boolean;
  /** Stay in the program's session keyring. */
  readonly noNewKeyring?: boolean;
}

/** Where a process' standard streams go. `inherit` is the program's own; `pipe` gives a Node stream. */
export interface StdioOptions {
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
}

/** All three are pipes: the default of run() and exec(). */
export interface PipedStdio {
  readonly stdin?: 'pipe';
  readonly stdout?: 'pipe';
  readonly stderr?: 'pipe';
}

/** What a process says where, and how it can be ended. */
export interface ProcessOptions extends StdioOptions {
  /** A file that gets the pid. */
  readonly pidFile?: string;
  /** A Unix socket that gets the terminal's master, where the process has a terminal and is not waited for. */
  readonly consoleSocket?: string;
  /** A Unix socket that gets a pidfd of the process. */
  readonly pidfdSocket?: string;
  /** Aborting kills, and rejects with the signal's reason once all is cleared up. */
  readonly signal?: AbortSignal;
  /** What an abort sends first, instead of SIGKILL at once. */
  readonly stopSignal?: SignalName;
  /** Milliseconds from `stopSignal` to SIGKILL; default 10000. */
  readonly stopTimeout?: number;
}

export type RunOptions = ContainerOptions & ProcessOptions;
export type CreateOptions = RunOptions;

export interface ExecOptions extends ProcessOptions {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Default: that of the container's first process; so with all that follows. */
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly user?: { readonly uid?: number; readonly gid?: number; readonly additionalGids?: readonly number[] };
  /** CAP_…, added. */
  readonly capabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  /** A cgroup below the container's. */
  readonly cgroup?: string;
  /** In a paused container too: the process starts when that is resumed. */
  readonly ignorePaused?: boolean;
}

type Check = (value: unknown) => string | null;

const is = (type: string, what: string): Check => {
  return (value) => (typeof value === type ? null : what);
};

export const text = is('string', 'a string');
export const flag = is('boolean', 'true or false');
export const path: Check = (value) => (typeof value === 'string' && value !== '' && !value.includes('\0') ? null : 'a path');
export const texts: Check = (value) =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string' && !entry.includes('\0')) ? null : 'an array of strings';
export const milliseconds: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= 0x7fff_ffff ? null : 'a number of milliseconds';
export const object: Check = (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'an object');
export const abortSignal: Check = (value) => (value instanceof AbortSignal ? null : 'an AbortSignal');
export const userId: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= largestId ? null : `a whole number from 0 to ${largestId}`;
export const signal: Check = (value) => (typeof value === 'string' || typeof value === 'number' ? null : 'a name or number of a signal');

// (uid_t)-1 means "leave it" to the kernel.
const largestId = 0xffff_fffe;

export function oneOf(...names: readonly string[]): Check {
  return (value) => (names.includes(value as string) ? null : `one of ${names.join(', ')}`);
}

export const stdioChecks = {
  stdin: oneOf('ignore', 'inherit', 'pipe'),
  stdout: oneOf('ignore', 'inherit', 'pipe'),
  stderr: oneOf('ignore', 'inherit', 'pipe'),
} as const;

export const processChecks = {
  ...stdioChecks,
  pidFile: path,
  consoleSocket: path,
  pidfdSocket: path,
  signal: abortSignal,
  stopSignal: signal,
  stopTimeout: milliseconds,
} as const;

/** Throws E_USAGE for an option that is not known, or not what it must be. undefined is an option that is not given. */
export function checkOptions(call: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (object(options) !== null) throw usage(`${call}: the options must be an object`);
  for (const [name, value] of Object.entries(options as object)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) throw unknown(call, name, Object.keys(checks));
    const wanted = value === undefined ? null : check(value);
    if (wanted !== null) throw usage(`${call}: ${name} must be ${wanted}`);
  }
}

export function usage(message: string, hint?: string): KrunError {
  return new KrunError('E_USAGE', message, hint === undefined ? {} : { hint });
}

function unknown(call: string, name: string, known: readonly string[]): KrunError {
  const nearest = nearestName(name, known);
  return usage(`${call}: there is no option ${name}`, nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`);
}

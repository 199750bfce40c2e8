// What the command line asks of a lifecycle verb. Every path is absolute; what was not given is null.
import type { Config } from '../config/config.ts';
import type { CriuOptions } from '../plan/criu-request.ts';

export type LogFormat = 'text' | 'json';
export type LogLevel = 'error' | 'warning' | 'info' | 'debug';
export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled';

/** The flags that stand before the command. */
export interface GlobalOptions {
  /** Where the state directories are: --root, or /run/krun, or $XDG_RUNTIME_DIR/krun. */
  readonly root: string;
  /** Whether --root was given (then a missing directory is an error to `list`). */
  readonly explicitRoot: boolean;
  readonly cgroupManager: CgroupManager;
  readonly rootless: 'true' | 'false' | 'auto';
  readonly debug: boolean;
  readonly log: LogOptions;
}

export interface LogOptions {
  /** The log file, or null for stderr. */
  readonly file: string | null;
  readonly format: LogFormat;
  /** The least level that is logged. */
  readonly level: LogLevel;
}

export interface RunOptions extends GlobalOptions {
  /** Checked against the id rule; null: make one up. */
  readonly id: string | null;
  readonly bundle: string;
  /** The config of `run --rootfs DIR -- CMD…`, which has no bundle (`bundle` is then the caller's cwd); null: read config.json. */
  readonly config: Config | null;
  readonly pidFile: string | null;
  readonly consoleSocket: string | null;
  readonly pidfdSocket: string | null;
  /** How many descriptors from 3 on the container's process keeps. */
  readonly preserveFds: number;
  /** A writable tmpfs above the root file system, gone at exit. */
  readonly ephemeral: boolean;
  readonly overlay: OverlayOptions | null;
  readonly noNewKeyring: boolean;
  readonly noSubreaper: boolean;
  /** A first process that reaps, before the container's own. */
  readonly init: boolean;
  /** Keep state directory and cgroup after the container's process has ended. */
  readonly keep: boolean;
  /** Print the id, one line on stdout, before the container's process starts. */
  readonly printId: boolean;
  /** As StartRequest has it. */
  readonly mode: 'create' | 'detach' | 'attend';
}

export interface ExecOptions extends GlobalOptions {
  readonly id: string;
  /** A file that holds the whole process; null: the container's own, changed. */
  readonly processFile: string | null;
  readonly changes: ProcessChanges;
  readonly detach: boolean;
  readonly pidFile: string | null;
  readonly consoleSocket: string | null;
  readonly pidfdSocket: string | null;
  readonly preserveFds: number;
  /** Below the container's cgroup. */
  readonly cgroup: string | null;
  readonly ignorePaused: boolean;
}

/** What the flags of `exec` change in the container's process; null: nothing. */
export interface ProcessChanges {
  readonly args: readonly string[];
  readonly cwd: string | null;
  /** NAME=value, added. */
  readonly env: readonly string[];
  readonly terminal: boolean;
  readonly uid: number | null;
  readonly gid: number | null;
  /** Added. */
  readonly additionalGids: readonly number[];
  /** CAP_…, added. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean | null;
  readonly apparmorProfile: string | null;
  readonly selinuxLabel: string | null;
}

export interface OverlayOptions {
  /** Directories below the root file system's own, topmost first. */
  readonly lowers: readonly string[];
  /** Both or neither; without them a tmpfs takes what is written. */
  readonly upper: string | null;
  readonly work: string | null;
}

export interface StateOptions extends GlobalOptions {
  readonly id: string;
}

export interface DeleteOptions extends GlobalOptions {
  readonly id: string;
  readonly force: boolean;
}

export interface CollectOptions extends GlobalOptions {
  /** Only this container; null: all that have ended. */
  readonly id: string | null;
}

export interface ListOptions extends GlobalOptions {
  readonly format: 'table' | 'json';
  readonly quiet: boolean;
}

export interface KillOptions extends GlobalOptions {
  readonly id: string;
  /** 0 (is it there?) to 64. */
  readonly signal: number;
  /** The obsolete --all: a container that does not run is no error. */
  readonly all: boolean;
}

export interface PsOptions extends GlobalOptions {
  readonly id: string;
  readonly format: 'table' | 'json';
  /** For the host's ps; empty: -ef. */
  readonly arguments: readonly string[];
}

export interface EventsOptions extends GlobalOptions {
  readonly id: string;
  /** Once, instead of every `interval` milliseconds. */
  readonly stats: boolean;
  readonly interval: number;
}

export interface UpdateOptions extends GlobalOptions {
  readonly id: string;
  /** Absolute, or '-' for standard input; null: the flags say what to change. */
  readonly resourcesFile: string | null;
  /** linux.resources as the flags have it, unchecked. */
  readonly resources: Readonly<Record<string, unknown>>;
}

export interface CheckpointOptions extends GlobalOptions {
  readonly id: string;
  readonly imagePath: string;
  /** Where criu works and keeps its log; the images' directory by default. */
  readonly workPath: string;
  readonly preDump: boolean;
  readonly criu: CriuOptions;
}

export interface RestoreOptions extends GlobalOptions {
  readonly id: string;
  readonly bundle: string;
  readonly imagePath: string;
  readonly workPath: string;
  readonly pidFile: string | null;
  readonly consoleSocket: string | null;
  readonly detach: boolean;
  readonly criu: CriuOptions;
}

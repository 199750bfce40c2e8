// What spec/probe prints. Sets of capabilities are 16 hex digits, 64-bit numbers decimal strings.
export interface ProbeReport {
  readonly descriptors: readonly Descriptor[];
  readonly controllingTerminal: boolean;
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly cwd: string | null;
  readonly umask: number;
  readonly blockedSignals: readonly number[];
  readonly ignoredSignals: readonly number[];
  readonly personality: number;
  readonly uid: Ids;
  readonly gid: Ids;
  readonly groups: readonly number[];
  readonly capabilities: Readonly<Record<'effective' | 'permitted' | 'inheritable' | 'bounding' | 'ambient', string>>;
  readonly secureBits: number;
  readonly noNewPrivileges: boolean;
  readonly seccompMode: number;
  readonly dumpable: number;
  readonly parentDeathSignal: number;
  readonly sessionKeyring: { readonly id: number; readonly errno: number; readonly description?: string };
  readonly rlimits: Readonly<Record<string, { readonly soft: string; readonly hard: string }>>;
  readonly oomScoreAdj: number | null;
  readonly scheduler: {
    readonly policy: number;
    readonly flags: string;
    readonly nice: number;
    readonly priority: number;
    readonly runtime: string;
    readonly deadline: string;
    readonly period: string;
  } | null;
  readonly ioPriority: number;
  readonly affinity?: readonly number[];
  readonly memoryPolicy: { readonly mode: number; readonly nodes: readonly number[] } | null;
  readonly hostname: string;
  readonly domainname: string;
  readonly machine: string;
  /** "pid:[4026531836]" and the like by type: cgroup, ipc, mnt, net, pid, time, user, uts. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** The user namespace that owns each, where the probe may know. */
  readonly namespaceOwners: Readonly<Record<string, string>>;
  readonly uidMap: string | null;
  readonly gidMap: string | null;
  readonly setgroups: string | null;
  readonly cgroup: string | null;
  readonly timeOffsets: string | null;
  readonly clocks: { readonly monotonic: number; readonly boottime: number };
  readonly interfaces: Readonly<Record<string, { readonly up: boolean; readonly running: boolean }>>;
  readonly mounts: readonly SeenMount[] | null;
  readonly devices: Readonly<Record<string, SeenDevice | null>> | null;
}

export interface Descriptor {
  readonly fd: number;
  readonly closeOnExec: boolean;
  readonly flags: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: string;
  readonly target: string | null;
  readonly terminal: boolean;
  readonly rows?: number;
  readonly columns?: number;
}

export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly filesystem: number;
}

export interface SeenMount {
  readonly id: number;
  readonly parent: number;
  readonly device: string;
  readonly root: string;
  readonly destination: string;
  readonly options: readonly string[];
  /** shared:N, master:N, propagate_from:N, unbindable; empty for a private mount. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export interface SeenDevice {
  /** c, b, p, d, l, s or f. */
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly target?: string;
}

/** What became of one action (spec/probe/act.c names them). */
export interface Outcome {
  readonly action: string;
  readonly subject?: string;
  readonly result?: number;
  /** 0 if the call succeeded. */
  readonly errno?: number;
  readonly content?: string;
  readonly names?: readonly string[];
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly target?: string;
  readonly signal?: number;
  readonly made?: number;
}

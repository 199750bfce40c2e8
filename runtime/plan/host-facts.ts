// What planning needs to know of this machine. Data only, or getters that read when first asked: most configs ask little.

export interface HostFacts {
  /** As uname -m says: x86_64, aarch64. */
  readonly architecture: string;
  /** As uname -r says, such as 6.1.0-18-amd64. */
  readonly kernelRelease: string;
  /** The caller's effective uid, in its user namespace. */
  readonly euid: number;
  readonly inUserNamespace: boolean;
  /** Whether the user namespace that the caller is in forbids to set supplementary groups (/proc/PID/setgroups). */
  readonly deniesSetgroups: boolean;
  readonly idMaps: IdMapFacts;
  /** Where cgroup2 is mounted; null if nowhere that can be reached. */
  readonly cgroup2: Cgroup2Facts | null;
  /** The controllers that cgroup v1 holds, and thus v2 lacks: name → its hierarchy's mount point ('' when not mounted). */
  readonly version1Controllers: ReadonlyMap<string, string>;
  readonly securityModules: SecurityModules;
  readonly systemd: SystemdFacts;
  /** Where resctrl is mounted, and the file schemata of a group by its path, null where there is none; null if nowhere. */
  readonly resctrl: { readonly mountpoint: string; readonly schemataOf: (path: string) => string | null } | null;
}

/** Which ids a caller without privileges may map in a user namespace of its own: user_namespaces(7), subuid(5). */
export interface IdMapFacts {
  /** From /etc/passwd; null: it is not there. */
  readonly user: string | null;
  readonly uids: SubordinateIds;
  readonly gids: SubordinateIds;
}

export interface SubordinateIds {
  /** The caller's effective uid or gid, which needs no leave. */
  readonly own: number;
  /** Where newuidmap or newgidmap is; null: not installed. */
  readonly program: string | null;
  /** What /etc/subuid or /etc/subgid gives the caller; null: that is kept elsewhere (nsswitch.conf), or the caller's name is not known. */
  readonly ranges: readonly IdRange[] | null;
}

export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Which Linux security modules are at work. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

export interface Cgroup2Facts {
  readonly mountpoint: string;
  /** The caller's own cgroup as a path below the mount point, '/' for the mount's root; null when it lies outside of the mount. */
  readonly own: string | null;
  /** What a cgroup below the mount point is like, by its path ('/' is the mount's root). */
  look(path: string): CgroupFacts;
  /** Which files for weights of block I/O this kernel gives a cgroup: io.bfq.weight, io.weight. */
  readonly ioWeightFiles: readonly string[];
  /** The files that whoever is given a cgroup may write (/sys/kernel/cgroup/delegate, cgroups(7)). */
  readonly delegatable: readonly string[];
}

export interface CgroupFacts {
  readonly exists: boolean;
  /** cgroup.controllers: what its parent passes on. */
  readonly controllers: readonly string[];
  /** cgroup.subtree_control: what it passes on itself. */
  readonly enabled: readonly string[];
  /** Whether the caller may make cgroups in it, move processes in it, and pass controllers on. */
  readonly isWritable: boolean;
}

/** The groups of a daemon that is root on the host are nobody else's to keep. */
export function mayKeepGroups({ euid, inUserNamespace }: Pick<HostFacts, 'euid' | 'inUserNamespace'>): boolean {
  return euid !== 0 || inUserNamespace;
}

export interface SystemdFacts {
  /** systemd is the init of this system (sd_booted(3)). */
  readonly isRunning: boolean;
  /** The system's systemd, and that of the caller. */
  readonly system: SystemdManager;
  readonly user: SystemdManager;
  /** The caller as the host sees it, whatever its user namespace. */
  readonly ownerUid: number;
}

export interface SystemdManager {
  /** Where its D-Bus may listen, likeliest first. */
  readonly sockets: readonly string[];
  /** The cgroup below which its units are, as a path below the cgroup2 mount; '' for the mount's root. */
  readonly root: string;
}

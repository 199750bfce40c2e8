// What the checks of `krun doctor` look at. Data only: host/doctor-facts.ts reads it.

export interface DoctorFacts {
  readonly uid: number;
  /** From /etc/passwd; null: the uid has no name. */
  readonly user: string | null;
  /** uname -r. */
  readonly kernelRelease: string;
  /** process.version of the supervisor. */
  readonly nodeVersion: string;
  /** The installed bin/krun. */
  readonly helper: string;
  readonly cgroup2: DoctorCgroup2 | null;
  /** Controllers that cgroup v1 holds: name → mount point. */
  readonly version1Controllers: ReadonlyMap<string, string>;
  /** /proc/self/ns. */
  readonly namespaces: readonly string[];
  /** /proc/filesystems, without those that need a disk. */
  readonly fileSystems: readonly string[];
  /** /proc/sys/kernel/seccomp/actions_avail; empty: no seccomp filters. */
  readonly seccompActions: readonly string[];
  /** user.max_user_namespaces; null: the kernel has no user namespaces. */
  readonly maxUserNamespaces: number | null;
  /** kernel.unprivileged_userns_clone (Debian's); null: not there, hence no restriction. */
  readonly unprivilegedUserNamespaces: number | null;
  /** kernel.apparmor_restrict_unprivileged_userns (Ubuntu's); null: not there. */
  readonly apparmorRestrictsUserNamespaces: number | null;
  readonly idMapPrograms: { readonly newuidmap: IdMapProgram; readonly newgidmap: IdMapProgram };
  /** How many ids /etc/subuid and /etc/subgid give the user. */
  readonly subordinate: { readonly uids: number; readonly gids: number };
  readonly runtimeDirectory: string | null;
  readonly hasUserBus: boolean;
  readonly lingers: boolean;
  /** Where criu is; null: nowhere. */
  readonly criu: string | null;
}

export interface DoctorCgroup2 {
  readonly mountpoint: string;
  /** Where the caller's containers come: '/' for root, the cgroup above its own for a user. */
  readonly place: string;
  readonly controllers: readonly string[];
  readonly isWritable: boolean;
}

export type IdMapProgram = 'missing' | 'unprivileged' | 'ready';

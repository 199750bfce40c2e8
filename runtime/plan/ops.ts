// The op table: everything the helper can be told to do. One entry an op; scripts/generate-ops-header makes the C side of it.
// An op carries the name of its syscall where there is one. The order is the wire's numbering: append, never reorder.

// How a field travels (little endian, each field padded to 4 bytes) and what it is on either side:
//   u32, i32, u64   number, number, bigint
//   bool            boolean, a u32 of 0 or 1
//   string          u32 length, bytes, NUL; no NUL inside                               const char *
//   bytes           u32 length, bytes                                                   struct bytes
//   strings         u32 count, then strings                                             struct strings (NULL-terminated)
//   u32s            u32 count, then values                                              struct u32s
//   slot            the name of a descriptor in the helper's table; null for none       uint32_t, NO_SLOT
//   ops             a nested program                                                    struct program
export type FieldKind = 'u32' | 'i32' | 'u64' | 'bool' | 'string' | 'bytes' | 'strings' | 'u32s' | 'slot' | 'ops';

interface OpDefinition {
  readonly help: string;
  readonly fields: Readonly<Record<string, FieldKind>>;
}

// "in-root" path: resolved below the slot `root` by openat2(RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS), never by the host's view.
export const opTable = {
  // ── talking to the caller ────────────────────────────────────────────────────────────────────────────────────────
  write: { help: "write bytes to one of the caller's descriptors (1 or 2)", fields: { descriptor: 'u32', content: 'bytes' } },
  appendFile: {
    help: "append to a file of the caller's (O_APPEND|O_CREAT, 0644), such as --log",
    fields: { path: 'string', content: 'bytes' },
  },
  createFile: {
    help: 'create a new file; one that exists is an error (O_EXCL)',
    fields: { path: 'string', mode: 'u32', content: 'bytes' },
  },
  exit: {
    help: 'leave with this status, after the onExit programs; a process that waitForExecute has seen start stays',
    fields: { status: 'u32' },
  },

  // ── the shape of a run ───────────────────────────────────────────────────────────────────────────────────────────
  onExit: { help: 'push a program that runs, last pushed first, when the helper leaves, however it leaves', fields: { program: 'ops' } },
  clone: {
    help: "clone3 a child that runs a program; `cgroup` joins by CLONE_INTO_CGROUP; with CLONE_PARENT in flags the child becomes the helper's own and replaces its maker as init",
    fields: { flags: 'u64', cgroup: 'slot', program: 'ops' },
  },
  notifyChild: { help: 'let the child pass its waitForParent of the same stage', fields: { stage: 'u32' } },
  waitForParent: { help: 'wait in the child for notifyChild of this stage; a vanished helper ends the child', fields: { stage: 'u32' } },
  notifyParent: { help: 'let the helper pass its waitForChild of the same stage', fields: { stage: 'u32' } },
  waitForChild: { help: 'wait for notifyParent of this stage; a failed or dead child fails the plan', fields: { stage: 'u32' } },
  waitForExecute: { help: "wait until the child has become the container's process (or failed)", fields: {} },
  wait: { help: "forward signals to init and wait; its status (128+n for a signal) becomes the helper's", fields: {} },

  // ── state directory ──────────────────────────────────────────────────────────────────────────────────────────────
  createStateDirectory: {
    help: 'make root (0700, with parents) and root/id (0700, O_EXCL), open and flock it',
    fields: { path: 'string', id: 'string', directory: 'slot' },
  },
  openStateDirectory: {
    help: 'open root/id without following links; `lock` takes its flock, and fails if another holds it',
    fields: { path: 'string', id: 'string', lock: 'bool', directory: 'slot' },
  },
  writeStateFile: {
    help: 'write a file in a state directory atomically (temporary name, rename), 0600',
    fields: { directory: 'slot', name: 'string', content: 'bytes' },
  },
  recordInit: { help: 'write "<pid> <start time>" of init to a file in a state directory', fields: { directory: 'slot', name: 'string' } },
  removeStateDirectory: {
    help: 'remove the files in a state directory, then the directory; without a slot it is opened and locked for that',
    fields: { path: 'string', id: 'string', directory: 'slot' },
  },
  writePidFile: { help: "write init's pid in decimal, without a newline (temporary name, rename)", fields: { path: 'string' } },

  // ── processes of another container ───────────────────────────────────────────────────────────────────────────────
  openProcess: {
    help: 'pidfd_open; ESRCH also when the start time (clock ticks since boot) differs',
    fields: { pid: 'u32', startTime: 'u64', process: 'slot' },
  },
  signalProcess: {
    help: 'pidfd_send_signal; with `orGone` a process that has ended is no error',
    fields: { process: 'slot', signal: 'u32', orGone: 'bool' },
  },
  waitForProcess: {
    help: 'wait until the process of a pidfd has ended; ETIMEDOUT after the time',
    fields: { process: 'slot', milliseconds: 'u32' },
  },

  // ── cgroup v2 ────────────────────────────────────────────────────────────────────────────────────────────────────
  createCgroup: {
    help: 'make each missing component of `path` below the cgroup2 mount; enable `required` (an error if refused) and `wanted` controllers in every ancestor; the cgroup notes its `owner`, the state directory',
    fields: { mountpoint: 'string', path: 'string', owner: 'string', required: 'strings', wanted: 'strings', cgroup: 'slot' },
  },
  openCgroup: {
    help: "open an existing cgroup of this owner ('': anybody's); with `orGone` one that is missing or another's leaves the slot empty, and killing and removing it do nothing",
    fields: { mountpoint: 'string', path: 'string', owner: 'string', orGone: 'bool', cgroup: 'slot' },
  },
  writeCgroupFile: {
    help: 'write a value (a line at a time) to one file of a cgroup; with `optional` a missing file is no error',
    fields: { cgroup: 'slot', file: 'string', value: 'string', optional: 'bool' },
  },
  attachDeviceProgram: {
    help: 'load an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) and attach it to a cgroup',
    fields: { cgroup: 'slot', program: 'bytes' },
  },
  killCgroup: {
    help: 'write 1 to cgroup.kill (freeze and signal each where the kernel lacks it) and wait until it is empty',
    fields: { cgroup: 'slot' },
  },
  removeCgroup: {
    help: 'remove a cgroup, its descendants, and those of its ancestors that createCgroup made and nobody uses',
    fields: { mountpoint: 'string', path: 'string', cgroup: 'slot' },
  },

  // ── namespaces ───────────────────────────────────────────────────────────────────────────────────────────────────
  openNamespace: {
    help: "open a namespace by path; EINVAL unless it is of this type (a CLONE_NEW* bit); with `foreign` EEXIST if it is the helper's own",
    fields: { path: 'string', type: 'u64', foreign: 'bool', namespace: 'slot' },
  },
  createUserNamespace: {
    help: 'make a user namespace with these maps, for an idmapped mount',
    fields: { uidMap: 'string', gidMap: 'string', namespace: 'slot' },
  },
  setns: {
    help: 'join an opened namespace, or those of a process (a pidfd) by their CLONE_NEW* bits',
    fields: { namespace: 'slot', type: 'u64' },
  },
  unshare: { help: 'unshare(flags)', fields: { flags: 'u64' } },
  writeIdMaps: {
    help: 'write uid_map, gid_map and, if asked, "deny" to setgroups of the child last cloned',
    fields: { uidMap: 'string', gidMap: 'string', denySetgroups: 'bool' },
  },
  setTimeOffsets: {
    help: "write self/timens_offsets of a detached procfs, or of the host's /proc (before any process enters the time namespace)",
    fields: { proc: 'slot', offsets: 'string' },
  },
  sethostname: { help: 'sethostname', fields: { name: 'string' } },
  setdomainname: { help: 'setdomainname', fields: { name: 'string' } },
  bringLoopbackUp: { help: 'set lo up in the current network namespace', fields: {} },

  // ── mounts ───────────────────────────────────────────────────────────────────────────────────────────────────────
  setPropagation: {
    help: 'change the propagation (MS_SLAVE, …) of the mount at a host path, or of a mount kept in a slot when path is empty',
    fields: { path: 'string', mount: 'slot', propagation: 'u32', recursive: 'bool' },
  },
  openTree: {
    help: 'open_tree(OPEN_TREE_CLONE) of a host path, private; set and clear MOUNT_ATTR_* (`recursive*` with AT_RECURSIVE); idmap it by a user namespace',
    fields: {
      source: 'string',
      recursive: 'bool',
      set: 'u64',
      clear: 'u64',
      recursiveSet: 'u64',
      recursiveClear: 'u64',
      propagation: 'u32',
      recursivePropagation: 'bool',
      userNamespace: 'slot',
      recursiveIdmap: 'bool',
      tree: 'slot',
    },
  },
  openNull: { help: "open the host's /dev/null, character device 1:3 or an error", fields: { null: 'slot' } },
  openRoot: {
    help: 'bind the host directory over itself, private or (propagation: MS_SLAVE) as a slave, and keep the mount; what follows is below it',
    fields: { path: 'string', recursive: 'bool', propagation: 'u32', userNamespace: 'slot', root: 'slot' },
  },
  openOverlayRoot: {
    help: "mount an overlay of host directories over the first lower one and keep it; without upper and work a tmpfs (size in bytes, 0: the kernel's default) takes what is written",
    fields: { lowers: 'strings', upper: 'string', work: 'string', options: 'strings', size: 'u64', root: 'slot' },
  },
  mount: {
    help: 'fsopen, fsconfig (`options`: "flag" or "key=value"), fsmount with MOUNT_ATTR_*, move_mount to an in-root destination, created if missing; `copyUp` first copies the directory below it; `exact` refuses symlinks (for /proc and /sys)',
    fields: {
      root: 'slot',
      destination: 'string',
      type: 'string',
      source: 'string',
      options: 'strings',
      attributes: 'u64',
      exact: 'bool',
      copyUp: 'bool',
      keepMode: 'bool',
      mount: 'slot',
    },
  },
  moveMount: {
    help: "attach a tree to an in-root destination, created as file or directory after the tree's kind",
    fields: { root: 'slot', tree: 'slot', destination: 'string', exact: 'bool' },
  },
  remount: {
    help: 'fsconfig(FSCONFIG_CMD_RECONFIGURE) or, with options empty, mount_setattr of the mount at an in-root destination',
    fields: { root: 'slot', destination: 'string', options: 'strings', set: 'u64', clear: 'u64' },
  },
  setMountAttributes: {
    help: 'mount_setattr on a mount kept in a slot',
    fields: { mount: 'slot', set: 'u64', clear: 'u64', recursive: 'bool' },
  },
  setPathReadonly: {
    help: 'make an in-root path read-only with all below it; a missing one is skipped',
    fields: { root: 'slot', path: 'string' },
  },
  maskPath: {
    help: 'cover an in-root path: a file by the null device, a directory by an empty read-only tmpfs; a missing one is skipped',
    fields: { root: 'slot', path: 'string', null: 'slot' },
  },
  createDirectory: {
    help: 'make an in-root directory with its missing parents',
    fields: { root: 'slot', path: 'string', mode: 'u32', uid: 'u32', gid: 'u32' },
  },
  createDevice: {
    help: 'mknodat (type: S_IFCHR, S_IFBLK, S_IFIFO), verify, chmod, chown; an existing node must be the same device',
    fields: { root: 'slot', path: 'string', type: 'u32', major: 'u32', minor: 'u32', mode: 'u32', uid: 'u32', gid: 'u32' },
  },
  createSymlink: {
    help: 'make an in-root symbolic link; one that exists is left',
    fields: { root: 'slot', path: 'string', target: 'string' },
  },
  pivotRoot: {
    help: 'pivot_root(".", ".") into the kept root, detach the old one, chdir to /; then the root\'s propagation (0: leave)',
    fields: { root: 'slot', propagation: 'u32', recursive: 'bool' },
  },
  openProc: { help: 'a detached procfs of the current pid namespace, which nobody can cover', fields: { proc: 'slot' } },
  setSysctl: { help: 'write a file below sys/ of a detached procfs', fields: { proc: 'slot', path: 'string', value: 'string' } },

  // ── the process ──────────────────────────────────────────────────────────────────────────────────────────────────
  setsid: { help: 'setsid', fields: {} },
  joinSessionKeyring: {
    help: 'a new session keyring of this name (without one, if it is taken), with these permission bits added (KEY_*_SEARCH, so that exec finds it); ENOSYS is no error',
    fields: { name: 'string', permissions: 'u32' },
  },
  setDumpable: { help: 'prctl(PR_SET_DUMPABLE)', fields: { dumpable: 'bool' } },
  setOomScoreAdjust: {
    help: 'write oom_score_adj of init from the helper, or of itself in the child (before the root changes)',
    fields: { value: 'i32' },
  },
  setrlimit: {
    help: 'prlimit of init (resource: RLIMIT_*); from the helper, or in the child on itself',
    fields: { resource: 'u32', soft: 'u64', hard: 'u64' },
  },
  setScheduler: {
    help: 'sched_setattr on itself',
    fields: { policy: 'u32', flags: 'u64', nice: 'i32', priority: 'u32', runtime: 'u64', deadline: 'u64', period: 'u64' },
  },
  setIoPriority: { help: 'ioprio_set on itself (class<<13 | data)', fields: { priority: 'u32' } },
  setAffinity: {
    help: 'sched_setaffinity on itself; no cpus: all that the cpuset leaves, and a refusal is no error',
    fields: { cpus: 'u32s' },
  },
  setMemoryPolicy: { help: 'set_mempolicy (mode with its MPOL_F_* flags)', fields: { mode: 'u32', nodes: 'u32s' } },
  setPersonality: { help: 'personality', fields: { persona: 'u32' } },
  setUmask: { help: 'umask', fields: { mask: 'u32' } },
  preserveDescriptors: { help: 'fail unless the caller gave all of 3 to 3+count-1', fields: { count: 'u32' } },
  closeDescriptors: { help: 'close all from 3+preserve on, but the line to the helper', fields: { preserve: 'u32' } },
  chownStdio: {
    help: 'give terminals, pipes and sockets at 0 to 2 to this user, never a file or the null device; EPERM, EROFS and EINVAL are no error',
    fields: { uid: 'u32', gid: 'u32' },
  },
  dropBoundingSet: { help: 'drop all capabilities but these from the bounding set', fields: { keep: 'u64' } },
  keepCapabilities: { help: 'PR_SET_KEEPCAPS over the change of user', fields: {} },
  setUser: {
    help: 'setgroups (if `setGroups`), setresgid, setresuid',
    fields: { uid: 'u32', gid: 'u32', groups: 'u32s', setGroups: 'bool' },
  },
  setCapabilities: {
    help: 'capset of what we have of these, read back by capget',
    fields: { effective: 'u64', permitted: 'u64', inheritable: 'u64' },
  },
  setAmbient: { help: 'clear the ambient set, then raise these; one the kernel refuses is skipped', fields: { ambient: 'u64' } },
  setNoNewPrivileges: { help: 'prctl(PR_SET_NO_NEW_PRIVS)', fields: {} },
  installSeccomp: {
    help: 'seccomp(SECCOMP_SET_MODE_FILTER) of a classic BPF program (struct sock_filter array)',
    fields: { program: 'bytes', flags: 'u32' },
  },
  changeDirectory: {
    help: 'chdir in the container; afterwards getcwd must be absolute and reachable; with `mayBeDenied` EACCES and EPERM leave it for a second try as the user, which only checks if the first worked',
    fields: { path: 'string', mayBeDenied: 'bool' },
  },
  findHome: { help: 'HOME for execute, from the container\'s /etc/passwd by uid, else "/"', fields: { uid: 'u32' } },
  findProgram: {
    help: 'look `name` up in the directories of `searchPath` (colon-separated) unless it has a slash; it must be an executable regular file',
    fields: { name: 'string', searchPath: 'string' },
  },
  execute: {
    help: 'unblock signals, execve what findProgram found; never returns',
    fields: { arguments: 'strings', environment: 'strings' },
  },

  // ── appended ─────────────────────────────────────────────────────────────────────────────────────────────────────
  openDevice: {
    help: 'open_tree(OPEN_TREE_CLONE) of a host device node, private; it must be this very device (type: S_IFCHR, S_IFBLK)',
    fields: { source: 'string', type: 'u32', major: 'u32', minor: 'u32', tree: 'slot' },
  },
  forgetExits: { help: 'drop the onExit programs pushed so far: what they would remove is to stay', fields: {} },
  freezeCgroup: {
    help: 'write cgroup.freeze and wait until cgroup.events says so; ETIMEDOUT after 10 s, and what did not freeze is thawed',
    fields: { cgroup: 'slot', frozen: 'bool' },
  },
  readInput: {
    help: "hand the caller's standard input, to its end, on to the next question; E2BIG beyond `limit` bytes",
    fields: { limit: 'u32' },
  },
  captureOutput: {
    help: 'run a program of the host as the caller would and hand its standard output on to the next question; ECHILD unless it ends with 0',
    fields: { path: 'string', arguments: 'strings', environment: 'strings' },
  },
  awaitChange: {
    help: "wait until one of these keys of a cgroup's flat-keyed files (memory.events, cgroup.events) has another value than this ('' for none), or for so long; hand the values on to the next question, each ended by NUL",
    fields: { cgroup: 'slot', files: 'strings', keys: 'strings', values: 'strings', milliseconds: 'u32' },
  },
  askAgain: {
    help: 'when this plan is over, its onExit programs too, ask a supervisor once more: the same call, `memo`, and what ops have handed on',
    fields: { memo: 'string' },
  },
  enterSessionKeyring: {
    help: "join the session keyring of this name if it is the container's root's, else a new one; ENOSYS is no error",
    fields: { name: 'string' },
  },
  createGate: {
    help: 'make the FIFO at which init is to wait for `start`, and the one by which it will then report, and open both for init',
    fields: { directory: 'slot', gate: 'string', report: 'string' },
  },
  waitForStart: { help: 'wait in init at the gate, until `start` or a signal that ends processes', fields: {} },
  passGate: {
    help: 'let init pass the gate and remove both FIFOs; ENXIO when nobody waits there, ENOENT when it has been passed',
    fields: { directory: 'slot', gate: 'string', report: 'string' },
  },
  waitForStarted: { help: "wait until the init that passed the gate has become the container's process (or failed)", fields: {} },
  renameStateFile: { help: 'rename a file in a state directory', fields: { directory: 'slot', from: 'string', to: 'string' } },
  releaseInit: { help: 'leave init to whoever adopts it: it is no longer killed when the helper leaves', fields: {} },
  endProcess: {
    help: 'send SIGKILL to the process of this pid and start time, and wait until it has ended; one that has ended is no error',
    fields: { pid: 'u32', startTime: 'u64', milliseconds: 'u32' },
  },
  writeProcessLabel: {
    help: 'write the label of the coming execve to the first of these files below self/ that is there, of a detached procfs or (before any join) of the host\'s /proc; read back, it must be `label`, or that and " (mode)"',
    fields: { proc: 'slot', files: 'strings', value: 'string', label: 'string' },
  },
  setMountLabel: { help: 'the SELinux label of the root of a mount', fields: { mount: 'slot', label: 'string' } },
  openSocketPair: { help: 'a socket pair, by which a child hands descriptors to the helper', fields: { near: 'slot', far: 'slot' } },
  connectSocket: {
    help: "connect to a host's AF_UNIX stream socket, as the caller (--console-socket, --pidfd-socket)",
    fields: { path: 'string', socket: 'slot' },
  },
  sendDescriptor: {
    help: 'send a descriptor by one sendmsg whose payload is `name`',
    fields: { socket: 'slot', descriptor: 'slot', name: 'string' },
  },
  receiveDescriptor: { help: 'take a descriptor that was sent before', fields: { socket: 'slot', descriptor: 'slot' } },
  openInit: { help: 'a pidfd of init', fields: { process: 'slot' } },
  openTerminal: {
    help: "a pty from the devpts at /dev/pts (EXDEV if it is none) in-root, or without `root` below the process' own root; of this size (0: unset); if `relayed`, of the size of the caller's terminal if it has one, and without ONLCR",
    fields: { root: 'slot', height: 'u32', width: 'u32', relayed: 'bool', terminal: 'slot', peer: 'slot' },
  },
  bindConsole: {
    help: 'bind the peer over the in-root /dev/console, created if missing; a symlink is refused',
    fields: { root: 'slot', peer: 'slot' },
  },
  relay: {
    help: "as wait, and meanwhile between the caller's 0 and 1 and the terminal; the caller's terminal is raw until then",
    fields: { terminal: 'slot' },
  },
  useTerminal: { help: 'the peer becomes 0, 1 and 2', fields: { peer: 'slot' } },
  setControllingTerminal: { help: 'TIOCSCTTY: the terminal at 0 becomes that of the session which this process leads', fields: {} },
  moveNetDevice: {
    help: 'move a network device to init\'s network namespace as `to` ("%d": the next free number), with its permanent global addresses, and set it up; EEXIST when the name is taken there',
    fields: { name: 'string', to: 'string' },
  },
  openHook: { help: "open a hook's program by its host path, for a hook that runs elsewhere", fields: { path: 'string', program: 'slot' } },
  hook: {
    help: "run a program with exactly this environment and wait for it: the state on its standard input is `before`, and if there is an `after`, init's pid as seen from here and that; SIGKILL after `timeout` seconds (0: never). It runs in `directory` ('': where we are) or at `root`; not at all if `when` is an empty slot; with `mayFail` a failure is only told",
    fields: {
      path: 'string',
      program: 'slot',
      arguments: 'strings',
      environment: 'strings',
      timeout: 'u32',
      before: 'string',
      after: 'string',
      directory: 'string',
      root: 'slot',
      when: 'slot',
      mayFail: 'bool',
    },
  },
  createResctrlGroup: { help: 'make a group of resctrl, an error if it is there, and open it', fields: { path: 'string', group: 'slot' } },
  openResctrlGroup: { help: 'open a group of resctrl', fields: { path: 'string', group: 'slot' } },
  writeSchemata: { help: 'write the schemata of a group of resctrl, all lines at once', fields: { group: 'slot', value: 'string' } },
  joinResctrlGroup: { help: 'put init into a group of resctrl, from the helper', fields: { group: 'slot' } },
  removeResctrlGroup: {
    help: 'remove a group of resctrl; with a slot only if that is filled; one that is gone is no error',
    fields: { path: 'string', group: 'slot' },
  },
  openHelper: { help: 'keep the copy of the helper that runs, which nobody can write, for becomeInit', fields: {} },
  prepareInit: { help: 'a pipe by which becomeInit lets its child go on', fields: {} },
  fork: {
    help: 'a child goes on with the ops that follow, once becomeInit lets it; who has been here until now runs `program`, which ends in becomeInit',
    fields: { program: 'ops' },
  },
  becomeInit: {
    help: 'execveat of what openHelper keeps, without arguments, environment and descriptors, not dumpable, with no_new_privs and a seccomp filter: it forwards signals to its child, reaps whoever is left to it, and ends as the child does',
    fields: {},
  },
  setSubreaper: { help: 'prctl(PR_SET_CHILD_SUBREAPER) in the helper: wait and relay reap whoever is left to it', fields: {} },
  claimStateDirectory: {
    help: 'open and lock root/id as openStateDirectory; the slot stays empty where there is none, or, unless `wait` is set, where another holds the lock',
    fields: { path: 'string', id: 'string', wait: 'bool', directory: 'slot' },
  },
  expectStateFile: {
    help: 'empty the slot of a state directory unless this file in it holds `content`; no content: unless there is no such file, or nothing in it',
    fields: { directory: 'slot', name: 'string', content: 'bytes' },
  },
  whenFilled: { help: 'run a program if the slot is filled', fields: { slot: 'slot', program: 'ops' } },
  openHostDirectory: {
    help: "open a directory of the host's; with `create` it is made if missing (0700), with its parents",
    fields: { path: 'string', create: 'bool', directory: 'slot' },
  },
  placeDescriptor: {
    help: 'give a descriptor this number in the program that the child is about to become',
    fields: { descriptor: 'slot', number: 'u32' },
  },
  requestCriu: {
    help: 'send a request to the `criu swrk` that is the child',
    fields: { socket: 'slot', request: 'bytes' },
  },
  awaitCriu: {
    help: "wait until criu reaches the point that it calls `script`, and keep it there; with `script` empty until it has ended well. `acknowledge` first lets it go on from where it is kept; a terminal's master that it hands over fills the slot; with `restores` the process that it names is init. A failure is told with criu's errno, `log` as its path and criu's words",
    fields: { socket: 'slot', acknowledge: 'bool', script: 'string', terminal: 'slot', restores: 'bool', log: 'string' },
  },
  checkConfinement: {
    help: "EPERM unless init and every process of the cgroup, but for criu and its own children, has no capability in any set but these, has no_new_privs and a seccomp filter where asked, and is in none of the helper's own namespaces of these names (of /proc/PID/ns)",
    fields: { cgroup: 'slot', capabilities: 'u64', noNewPrivileges: 'bool', seccomp: 'bool', namespaces: 'strings' },
  },
  lockStateFile: {
    help: 'lock a file in a state directory, made if missing, against others that do the same, until the plan is over; waits for its turn',
    fields: { directory: 'slot', name: 'string', lock: 'slot' },
  },
  openServiceDirectory: {
    help: 'open path/name, 0700 and ours, making both (0700) if they are missing, and flock it: EAGAIN if another holds it',
    fields: { path: 'string', name: 'string', directory: 'slot' },
  },
  listen: {
    help: 'a socket that listens at a name in a directory, in place of one that nobody listens at: EADDRINUSE if somebody does',
    fields: { directory: 'slot', name: 'string', socket: 'slot' },
  },
  becomeProgram: {
    help: "execve a program of the host in this process' stead; the descriptors of the slots become 3 and 4, those that are filled",
    fields: { path: 'string', arguments: 'strings', environment: 'strings', third: 'slot', fourth: 'slot' },
  },
  shareListener: {
    help: 'a page of memory that the child has too: there init says where its seccomp listener is, and hears that it has been sent',
    fields: {},
  },
  installSeccompListener: {
    help: 'seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER among the flags); then wait until confirmListener, whatever the filter does to our own calls',
    fields: { program: 'bytes', flags: 'u32' },
  },
  takeListener: {
    help: 'pidfd_getfd of the seccomp listener, once that is there, of init or, with --init, its child',
    fields: { listener: 'slot' },
  },
  sendProcessState: {
    help: "send the parts, and the listener by SCM_RIGHTS; between the first two is the pid of who gave it, between others init's; then close both",
    fields: { socket: 'slot', listener: 'slot', parts: 'strings' },
  },
  confirmListener: { help: 'let init pass its installSeccompListener', fields: {} },
  announce: {
    help: "tell the Node program whose launcher has forked us that all is done but waiting, and init's pid (ENOTCONN without one)",
    fields: {},
  },
  delegateCgroup: {
    help: 'give a cgroup, and those of its files that are named and there, to a user: fchownat',
    fields: { cgroup: 'slot', uid: 'u32', files: 'strings' },
  },
  awaitStatus: {
    help: 'wait until another\'s process has ended, and hand on how: its wait(2) status in decimal; "gone" when it was not there any more, "unseen" when the kernel does not tell',
    fields: { pid: 'u32', startTime: 'u64' },
  },
  whenCounted: {
    help: 'after wait: unless its status is 0, and if a line `key` of one of these files of a cgroup has another number than 0, hand on the status and the numbers, and run a program',
    fields: { cgroup: 'slot', files: 'strings', keys: 'strings', program: 'ops' },
  },
  startTiming: { help: 'note from now on when each op begins and ends, in helper and init', fields: {} },
  printTiming: {
    help: "print what has been noted, and when the call was made, asked and answered, to standard error; `home` is the supervisor's",
    fields: { home: 'string', microseconds: 'u32' },
  },
  runIdMapProgram: {
    help: 'have newuidmap(1) or newgidmap(1) write a map of the child last cloned; `map`: id inside, id outside, size, and so on',
    fields: { program: 'string', map: 'strings' },
  },
  startAnchor: { help: 'fork a process that does nothing, for systemd to make a scope around it; it ends with the helper', fields: {} },
  endAnchor: { help: 'end and reap the anchor', fields: {} },
  callBus: {
    help: 'connect to the first of these sockets of a D-Bus, send the messages, with the pid of the anchor or of the process last cloned at byte `pidAt` (0: nowhere), and wait for the reply to `serial`; with `awaitJob` also until the job of systemd that it names is done. EREMOTEIO for an error that is not `tolerated`; with `orGone` it is no error that nobody listens',
    fields: {
      sockets: 'strings',
      method: 'string',
      unit: 'string',
      messages: 'bytes',
      serial: 'u32',
      pidAt: 'u32',
      anchor: 'bool',
      awaitJob: 'bool',
      tolerated: 'strings',
      orGone: 'bool',
      milliseconds: 'u32',
    },
  },
  adoptCgroup: {
    help: "open the cgroup that systemd has put the anchor, or the process last cloned, into: EXDEV unless it is this one; it notes its `owner` ('': nobody)",
    fields: { mountpoint: 'string', path: 'string', owner: 'string', anchor: 'bool', cgroup: 'slot' },
  },
} as const satisfies Record<string, OpDefinition>;

export type OpName = keyof typeof opTable;

// Every op names the place in config.json that it came from ('' when it has none): RFC 6901, e.g. /mounts/3.
export type Op = {
  readonly [Name in OpName]: { readonly op: Name; readonly pointer: string } & FieldValues<(typeof opTable)[Name]['fields']>;
}[OpName];
export type OpOf<Name extends OpName> = Extract<Op, { readonly op: Name }>;
export type Plan = readonly Op[];

type FieldValues<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends FieldKind ? FieldValue[Fields[Name]] : never };

interface FieldValue {
  readonly u32: number;
  readonly i32: number;
  readonly u64: bigint;
  readonly bool: boolean;
  readonly string: string;
  readonly bytes: Uint8Array;
  readonly strings: readonly string[];
  readonly u32s: readonly number[];
  readonly slot: string | null;
  readonly ops: readonly Op[];
}

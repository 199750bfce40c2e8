// A failure report → the error that the user reads. One row an op; what an errno means depends on what was tried.
import type { OpName } from '../plan/ops.ts';
import { explainAdopted, explainBus } from './explain-bus.ts';
import { explainCgroupFile, explainCreateCgroup, explainDeviceProgram, explainFreeze, explainRemoveCgroup } from './explain-cgroup.ts';
import { explainCriu, explainRestoredRights } from './explain-criu.ts';
import { explainCapture, explainExecute, explainFindProgram } from './explain-execute.ts';
import { explainHook } from './explain-hook.ts';
import { explainLabel } from './explain-label.ts';
import { explainDevice, explainDeviceSource, explainMount, explainOpenTree, explainRoot } from './explain-mounts.ts';
import { explainClone, explainIdMapProgram, explainIdMaps, explainJoin, explainVanished } from './explain-namespaces.ts';
import { explainNetDevice } from './explain-net-device.ts';
import {
  belowRoot,
  explainDirectory,
  explainListener,
  explainPreserved,
  explainRlimit,
  explainSeccomp,
  explainSysctl,
  explainUser,
} from './explain-process.ts';
import {
  explainCreateState,
  explainGate,
  explainOpenState,
  explainProcess,
  explainServiceDirectory,
  explainStillRunning,
} from './explain-state.ts';
import { type Explainer, explained, type FailureFacts, refused } from './failure.ts';
import type { FailureReport } from './failure-report.ts';
import type { KrunError } from './krun-error.ts';

/** Never throws: an op or errno that is not known here is reported as it came. */
export function explainFailure(report: FailureReport, facts: FailureFacts): KrunError {
  if (report.syscall === '' && report.errno === emptySlot)
    return explained(report, 'E_INTERNAL', `the plan uses a descriptor that it has not opened (${report.detail})`);
  if (report.syscall === 'clone3' && report.errno === vanished) return explainVanished(report, facts);
  const explain: Explainer | undefined = isOp(report.op) ? explainers[report.op] : undefined;
  return (explain ?? refused('E_SYSTEM', report.op))(report, facts);
}

function isOp(name: string): name is OpName {
  return Object.hasOwn(explainers, name);
}

// EBADF without a syscall: the helper's slot_fd.
const emptySlot = 9;

// ECHILD: the child has gone without a word, whatever the helper was doing meanwhile.
const vanished = 10;

const file = 'the file cannot be written';
const needsNice = { EPERM: 'CAP_SYS_NICE is needed; a real-time policy also needs cpu.rt_runtime_us where the kernel groups by it' };

const noTerminal = refused('E_TERMINAL', 'the container has no devpts to take a terminal from', {
  EXDEV: 'mount a devpts at /dev/pts (krun spec shows how)',
  ENOENT: 'mount a devpts at /dev/pts (krun spec shows how)',
  ENOSPC: 'there are too many terminals: see kernel.pty.max and the max option of the devpts',
  EACCES: 'the devpts needs the option ptmxmode=0666',
});
const terminalBehindLink = belowRoot('the devpts cannot be reached');
const symlinkInTheWay = 40;
const explainTerminal: Explainer = (report, facts) => (report.errno === symlinkInTheWay ? terminalBehindLink : noTerminal)(report, facts);

const nobody = {
  ECONNREFUSED: 'somebody must listen on it, with SOCK_STREAM',
  EPROTOTYPE: 'it must be of SOCK_STREAM',
  ENOENT: 'it must be there before krun is called',
};
const noConsole = refused('E_TERMINAL', 'nobody can be reached at a socket', nobody);
const noAgent = refused('E_SECCOMP', 'no seccomp agent can be reached at linux.seccomp.listenerPath', nobody);
const explainConnect: Explainer = (report, facts) => (report.pointer.startsWith('/linux/seccomp') ? noAgent : noConsole)(report, facts);

const explainers = {
  write: refused('E_FILE', 'standard output or error cannot be written'),
  appendFile: refused('E_FILE', 'the log cannot be written'),
  createFile: refused('E_FILE', file, { EEXIST: 'remove it first, or choose another directory: nothing is overwritten' }),
  exit: refused('E_INTERNAL', 'leaving'),

  onExit: refused('E_INTERNAL', 'the plan has too many onExit programs'),
  forgetExits: refused('E_INTERNAL', 'the plan has too many forgetExits programs'),
  clone: explainClone,
  notifyChild: explainVanished,
  waitForParent: explainVanished,
  notifyParent: explainVanished,
  waitForChild: explainVanished,
  waitForExecute: explainVanished,
  wait: refused('E_SYSTEM', 'waiting for the container'),

  createStateDirectory: explainCreateState,
  openStateDirectory: explainOpenState,
  writeStateFile: refused('E_STATE', 'the state cannot be written'),
  recordInit: refused('E_STATE', 'the state cannot be written'),
  claimStateDirectory: explainOpenState,
  expectStateFile: refused('E_STATE', 'the state cannot be read'),
  lockStateFile: explainOpenState,
  whenFilled: refused('E_INTERNAL', 'a part of the plan'),
  removeStateDirectory: refused('E_STATE', 'the state directory cannot be removed'),
  writePidFile: refused('E_FILE', '--pid-file cannot be written'),

  openProcess: explainProcess,
  signalProcess: explainProcess,
  waitForProcess: explainStillRunning,

  createCgroup: explainCreateCgroup,
  openCgroup: refused('E_BAD_CGROUP', 'the cgroup cannot be opened'),
  writeCgroupFile: explainCgroupFile,
  attachDeviceProgram: explainDeviceProgram,
  killCgroup: explainRemoveCgroup,
  removeCgroup: explainRemoveCgroup,

  openNamespace: explainJoin,
  createUserNamespace: explainIdMaps,
  setns: explainJoin,
  unshare: explainClone,
  writeIdMaps: explainIdMaps,
  runIdMapProgram: explainIdMapProgram,
  setTimeOffsets: refused('E_NAMESPACE', 'linux.timeOffsets', { ERANGE: 'the clock would become negative, or run over' }),
  sethostname: refused('E_NAMESPACE', 'hostname', { EINVAL: 'it may have 64 bytes' }),
  setdomainname: refused('E_NAMESPACE', 'domainname', { EINVAL: 'it may have 64 bytes' }),
  bringLoopbackUp: refused('E_NAMESPACE', 'the loopback interface cannot be set up'),

  setPropagation: refused('E_BAD_MOUNT', 'the propagation of a mount', { EINVAL: 'it is not a mount point' }),
  openTree: explainOpenTree,
  openNull: refused('E_BAD_DEV', "the host's /dev/null is not the null device (1:3)"),
  openRoot: explainRoot,
  openOverlayRoot: explainRoot,
  mount: explainMount,
  moveMount: explainMount,
  remount: explainMount,
  setMountAttributes: refused('E_BAD_MOUNT', 'the options of a mount', {
    EPERM: 'in a user namespace, options that the host has set (nosuid, nodev, noexec, ro) cannot be cleared',
    EINVAL: 'the file system does not support one of them',
  }),
  setPathReadonly: belowRoot('a read-only path cannot be made so'),
  maskPath: belowRoot('a masked path cannot be masked'),
  createDirectory: belowRoot('a directory cannot be made'),
  createDevice: explainDevice,
  createSymlink: belowRoot('a symbolic link cannot be made'),
  pivotRoot: refused('E_ROOTFS', 'the root file system cannot be entered', {
    EINVAL: 'is the host itself in its initramfs? pivot_root needs a root that is a mount',
  }),
  openProc: refused('E_PROC_UNSAFE', 'no procfs that can be trusted', {
    EPERM: 'procfs needs a pid namespace of its own, and in a user namespace a /proc outside that nothing covers',
  }),
  setSysctl: explainSysctl,

  setsid: refused('E_PROCESS', 'a new session cannot be made'),
  joinSessionKeyring: refused('E_PROCESS', 'a session keyring cannot be made', {
    EDQUOT: 'raise kernel.keys.maxkeys, or give --no-new-keyring',
    EPERM: 'a seccomp profile around krun may forbid it: give --no-new-keyring',
  }),
  setDumpable: refused('E_PROCESS', 'the process cannot be made undumpable'),
  setOomScoreAdjust: refused('E_PROCESS', 'oomScoreAdj', { EACCES: "lowering it below the caller's own needs CAP_SYS_RESOURCE" }),
  setrlimit: explainRlimit,
  setScheduler: refused('E_PROCESS', 'the scheduler', { ...needsNice, EBUSY: 'SCHED_DEADLINE: the CPUs have not that much time left' }),
  setIoPriority: refused('E_PROCESS', 'ioPriority', { EPERM: 'IOPRIO_CLASS_RT needs CAP_SYS_ADMIN or CAP_SYS_NICE' }),
  setAffinity: refused('E_PROCESS', 'the CPU affinity', { EINVAL: "none of these CPUs is there, or in the cgroup's cpuset" }),
  setMemoryPolicy: refused('E_PROCESS', 'memoryPolicy', {
    EINVAL: 'a node of it is not there, or outside of the cpuset',
    ENOSYS: 'this kernel has no NUMA',
  }),
  setPersonality: refused('E_PROCESS', 'personality'),
  setUmask: refused('E_PROCESS', 'umask'),
  preserveDescriptors: explainPreserved,
  closeDescriptors: refused('E_SYSTEM', 'descriptors cannot be closed'),
  chownStdio: refused('E_PROCESS', 'standard input, output or error cannot be given to the user of the process'),
  dropBoundingSet: refused('E_CAPABILITY', 'the bounding set', { EPERM: 'CAP_SETPCAP is needed' }),
  keepCapabilities: refused('E_CAPABILITY', 'capabilities cannot be kept'),
  setUser: explainUser,
  setCapabilities: refused('E_CAPABILITY', 'the capabilities', {
    EPERM: 'only what the caller has can be given; effective must be a part of permitted',
  }),
  setAmbient: refused('E_CAPABILITY', 'the ambient set'),
  setNoNewPrivileges: refused('E_PROCESS', 'noNewPrivileges'),
  installSeccomp: explainSeccomp,
  changeDirectory: explainDirectory,
  findHome: refused('E_PROCESS', 'the home directory cannot be looked up'),
  findProgram: explainFindProgram,
  execute: explainExecute,

  openDevice: explainDeviceSource,

  connectSocket: explainConnect,
  openSocketPair: refused('E_SYSTEM', 'a socket pair'),
  sendDescriptor: refused('E_TERMINAL', 'a descriptor cannot be sent', { EPIPE: 'whoever listened on the socket has gone' }),
  receiveDescriptor: refused('E_INTERNAL', 'init has sent no terminal'),
  openInit: refused('E_SYSTEM', 'a pidfd of the container'),
  openTerminal: explainTerminal,
  bindConsole: explainMount,
  useTerminal: refused('E_TERMINAL', 'the terminal cannot be given to the process'),
  setControllingTerminal: refused('E_TERMINAL', 'the terminal cannot be given to the process'),
  relay: refused('E_SYSTEM', 'waiting for the container'),
  freezeCgroup: explainFreeze,
  delegateCgroup: refused('E_BAD_CGROUP', "the cgroup cannot be given to the container's user"),
  readInput: refused('E_FILE', 'standard input cannot be read', { E2BIG: 'nothing that large is expected there' }),
  captureOutput: explainCapture,
  awaitChange: refused('E_BAD_CGROUP', 'the cgroup cannot be watched'),
  askAgain: refused('E_INTERNAL', 'asking again'),
  enterSessionKeyring: refused('E_PROCESS', "the container's session keyring cannot be joined", {
    EDQUOT: 'raise kernel.keys.maxkeys',
  }),
  createGate: refused('E_STATE', 'the gate of the container cannot be made'),
  waitForStart: refused('E_STATE', 'the gate of the container cannot be read'),
  passGate: explainGate,
  waitForStarted: explainVanished,
  renameStateFile: refused('E_STATE', 'the state cannot be written'),
  releaseInit: refused('E_INTERNAL', 'releasing init'),
  endProcess: explainStillRunning,
  writeProcessLabel: explainLabel,
  setMountLabel: refused('E_BAD_MOUNT', 'linux.mountLabel', {
    EINVAL: 'the loaded policy must know it',
    EOPNOTSUPP: 'SELinux is not active',
  }),
  moveNetDevice: explainNetDevice,
  openHook: explainHook,
  hook: explainHook,
  createResctrlGroup: refused('E_RDT', 'a group of resctrl cannot be made', {
    EEXIST: 'another container may have it: choose another id, or remove the directory',
    ENOSPC: 'the processor has no class of service or monitoring id left',
  }),
  openResctrlGroup: refused('E_RDT', 'a group of resctrl cannot be opened'),
  writeSchemata: refused('E_RDT', 'a schema was refused', { EINVAL: 'info/last_cmd_status below the mount of resctrl says why' }),
  joinResctrlGroup: refused('E_RDT', 'a group of resctrl cannot be joined'),
  removeResctrlGroup: refused('E_RDT', 'a group of resctrl cannot be removed'),
  openHelper: refused('E_SYSTEM', 'the helper cannot find its own program', { ENOENT: 'a /proc must be mounted where krun is called' }),
  prepareInit: refused('E_SYSTEM', 'a pipe cannot be made'),
  fork: explainClone,
  setSubreaper: refused('E_SYSTEM', 'orphans cannot be adopted'),
  startAnchor: refused('E_SYSTEM', 'a process for systemd to make a scope around'),
  endAnchor: refused('E_INTERNAL', 'ending the anchor'),
  callBus: explainBus,
  adoptCgroup: explainAdopted,
  becomeInit: refused('E_PROCESS', 'the first process of --init cannot be started', {
    EACCES: "the user of config.json must be allowed to execute krun's program: chmod 755",
    EAGAIN: 'RLIMIT_NPROC counts the first process as well',
  }),
  openHostDirectory: refused('E_FILE', 'a directory cannot be used', { ENOENT: 'is there a checkpoint? --image-path says where' }),
  placeDescriptor: refused('E_INTERNAL', 'a descriptor cannot be placed'),
  requestCriu: explainCriu,
  awaitCriu: explainCriu,
  checkConfinement: explainRestoredRights,
  openServiceDirectory: explainServiceDirectory,
  listen: refused('E_SUPERVISOR', 'the socket cannot be made', { EADDRINUSE: 'another supervisor, or systemd, listens there already' }),
  becomeProgram: refused('E_SUPERVISOR', 'the supervisor cannot be executed'),
  shareListener: refused('E_SYSTEM', 'memory to share with init'),
  installSeccompListener: explainSeccomp,
  takeListener: explainListener,
  sendProcessState: refused('E_SECCOMP', 'the listener cannot be sent to the agent at linux.seccomp.listenerPath', {
    EPIPE: 'the agent has closed the connection before it got anything',
  }),
  confirmListener: explainVanished,
  announce: refused('E_INTERNAL', 'telling the program that the container runs'),
  awaitStatus: explainProcess,
  whenCounted: refused('E_SYSTEM', 'what the cgroup has counted'),
  startTiming: refused('E_SYSTEM', 'times cannot be noted'),
  printTiming: refused('E_FILE', 'times cannot be printed'),
} as const satisfies Record<OpName, Explainer>;

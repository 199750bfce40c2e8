// The kernel's names for the bits in a plan's fields, for `krun plan`.
import { signalName } from './signals.ts';

type Names = Readonly<Record<number, string>>;

/** A field's value in the kernel's words, or null when its number says it best. */
export function nameValue(op: string, field: string, value: number | bigint): string | null {
  return fieldNames[`${op}.${field}`]?.(value) ?? fieldNames[field]?.(value) ?? null;
}

const namespaces: Names = {
  7: 'CLONE_NEWTIME',
  17: 'CLONE_NEWNS',
  25: 'CLONE_NEWCGROUP',
  26: 'CLONE_NEWUTS',
  27: 'CLONE_NEWIPC',
  28: 'CLONE_NEWUSER',
  29: 'CLONE_NEWPID',
  30: 'CLONE_NEWNET',
};
const cloneFlags: Names = {
  ...namespaces,
  8: 'CLONE_VM',
  12: 'CLONE_PIDFD',
  14: 'CLONE_VFORK',
  15: 'CLONE_PARENT',
  33: 'CLONE_INTO_CGROUP',
};
const mountAttributes: Names = {
  0: 'RDONLY',
  1: 'NOSUID',
  2: 'NODEV',
  3: 'NOEXEC',
  4: 'NOATIME',
  5: 'STRICTATIME',
  7: 'NODIRATIME',
  20: 'IDMAP',
  21: 'NOSYMFOLLOW',
};
const propagations: Names = { 14: 'MS_REC', 17: 'MS_UNBINDABLE', 18: 'MS_PRIVATE', 19: 'MS_SLAVE', 20: 'MS_SHARED' };
const seccompFlags: Names = { 0: 'TSYNC', 1: 'LOG', 2: 'SPEC_ALLOW', 3: 'NEW_LISTENER', 4: 'TSYNC_ESRCH', 5: 'WAIT_KILLABLE_RECV' };
const capabilities = list(
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE',
);
const rlimits = list('CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME');
const policies: Names = {
  0: 'SCHED_OTHER',
  1: 'SCHED_FIFO',
  2: 'SCHED_RR',
  3: 'SCHED_BATCH',
  4: 'SCHED_ISO',
  5: 'SCHED_IDLE',
  6: 'SCHED_DEADLINE',
};
// In decimal: biome 2.6 rewrites an octal key to a wrong number.
const deviceTypes: Names = { 4096: 'S_IFIFO', 8192: 'S_IFCHR', 24576: 'S_IFBLK' };

const octal = (value: number | bigint) => (Number(value) === 0 ? '0' : `0${value.toString(8)}`);
// Ids that mean "leave it as it is", as chown(2) and setresuid(2) take them.
const id = (value: number | bigint) => (Number(value) === 0xffffffff ? '-1' : null);
const infinite = (value: number | bigint) => (value === 0xffffffffffffffffn ? 'RLIM_INFINITY' : null);
const one = (names: Names) => (value: number | bigint) => names[Number(value)] ?? null;

const fieldNames: Readonly<Record<string, (value: number | bigint) => string | null>> = {
  'clone.flags': bits(cloneFlags),
  'unshare.flags': bits(namespaces),
  'openNamespace.type': bits(namespaces),
  'setns.type': bits(namespaces),
  'installSeccomp.flags': bits(seccompFlags),
  'installSeccompListener.flags': bits(seccompFlags),
  'createDevice.type': one(deviceTypes),
  'openDevice.type': one(deviceTypes),
  'setScheduler.policy': one(policies),
  'setrlimit.resource': (value) => (rlimits[Number(value)] === undefined ? null : `RLIMIT_${rlimits[Number(value)]}`),
  soft: infinite,
  hard: infinite,
  attributes: bits(mountAttributes),
  set: bits(mountAttributes),
  clear: bits(mountAttributes),
  recursiveSet: bits(mountAttributes),
  recursiveClear: bits(mountAttributes),
  propagation: bits(propagations),
  keep: bits(capabilities),
  effective: bits(capabilities),
  permitted: bits(capabilities),
  inheritable: bits(capabilities),
  ambient: bits(capabilities),
  'createFile.mode': octal,
  'createDirectory.mode': octal,
  'createDevice.mode': octal,
  mask: octal,
  uid: id,
  gid: id,
  permissions: (value) => `0x${value.toString(16)}`,
  signal: (value) => signalName(Number(value)),
};

function list(names: string): Names {
  return Object.fromEntries(names.split(' ').map((name, number) => [number, name]));
}

function bits(names: Names): (value: number | bigint) => string | null {
  return (value) => {
    const found: string[] = [];
    for (let bit = 0, rest = BigInt(value); rest > 0n; bit++, rest >>= 1n) {
      if (rest & 1n) found.push(names[bit] ?? `0x${(1n << BigInt(bit)).toString(16)}`);
    }
    const all = Object.keys(names).length;
    return found.length === all && all > 30 ? 'all' : found.join('|') || null;
  };
}

// Every flag, once. parse.ts reads this table on the way to a start; yargs.ts makes help of it, complete.ts
// completion, scripts/ docs/FLAGS.md and the man page.
import type { CommandName } from './commands.ts';
import { imageFlags } from './image-flags.ts';

export interface Flag {
  readonly name: string;
  /** boolean: --f, --f=false; string and number: --f v, --f=v; list: may be repeated. */
  readonly type: 'boolean' | 'string' | 'number' | 'list';
  /** 'global': before the command, or after it where no flag of the command's has the name. */
  readonly commands: 'global' | readonly CommandName[];
  readonly help: string;
  /** Short names, one letter each. */
  readonly alias?: readonly string[];
  readonly default?: string;
  readonly choices?: readonly string[];
  /** What the value is, in help: DIR, FILE, N. */
  readonly value?: string;
  readonly hidden?: true;
}

/** `update`: limits one by one. All are strings: they go below zero, beyond 2^53, or have units. */
const updateFlags = [
  limit('blkio-weight', 'N', 'share of block I/O, 10 to 1000'),
  limit('cpu-period', 'MICROSECONDS', 'the period that --cpu-quota counts in'),
  limit('cpu-quota', 'MICROSECONDS', 'CPU time in a period; -1 for no limit'),
  limit('cpu-burst', 'MICROSECONDS', 'CPU time that may be saved up beyond the quota'),
  limit('cpu-share', 'N', 'share of CPU time, 2 to 262144; 1024 is usual'),
  limit('cpu-rt-period', 'MICROSECONDS', 'refused: cgroup v2 cannot limit realtime scheduling'),
  limit('cpu-rt-runtime', 'MICROSECONDS', 'refused: cgroup v2 cannot limit realtime scheduling'),
  limit('cpuset-cpus', 'LIST', 'CPUs to run on, such as 0-3,7'),
  limit('cpuset-mems', 'LIST', 'memory nodes to use, such as 0-1'),
  limit('cpu-idle', '0|1', '1: run only when nothing else wants to'),
  limit('memory', 'BYTES', 'memory limit, such as 512m; -1 for none'),
  limit('memory-reservation', 'BYTES', 'memory that is taken only when nothing else can be'),
  limit('memory-swap', 'BYTES', 'memory and swap together; -1 for no limit'),
  limit('pids-limit', 'N', 'most tasks; -1 for no limit'),
  limit('l3-cache-schema', 'SCHEMA', 'refused: Intel RDT is not carried out by update'),
  limit('mem-bw-schema', 'SCHEMA', 'refused: Intel RDT is not carried out by update'),
  { ...limit('kernel-memory', 'BYTES', 'obsolete and ignored: part of --memory'), hidden: true },
  { ...limit('kernel-memory-tcp', 'BYTES', 'obsolete and ignored: part of --memory'), hidden: true },
] as const;

function limit<Name extends string>(name: Name, value: string, help: string) {
  return { name, type: 'string', value, commands: ['update'], help } as const;
}

/** What criu is told, for either half. */
const criuFlags = [
  onBoth('image-path', 'DIR', 'where the checkpoint is kept (default: ./checkpoint)'),
  onBoth('work-path', 'DIR', 'where criu works and writes its log (default: --image-path)'),
  { name: 'parent-path', type: 'string', value: 'DIR', commands: ['checkpoint'], help: 'an earlier --pre-dump, relative to --image-path' },
  { name: 'leave-running', type: 'boolean', commands: ['checkpoint'], help: 'let the container go on afterwards' },
  {
    name: 'pre-dump',
    type: 'boolean',
    commands: ['checkpoint'],
    help: 'write the memory only, for a checkpoint with --parent-path to build upon',
  },
  { name: 'tcp-established', type: 'boolean', commands: ['checkpoint', 'restore'], help: 'keep TCP connections' },
  { name: 'tcp-close', type: 'boolean', commands: ['restore'], help: 'close the TCP connections of the checkpoint' },
  { name: 'tcp-skip-in-flight', type: 'boolean', commands: ['checkpoint'], help: 'leave out TCP connections that are being made' },
  { name: 'link-remap', type: 'boolean', commands: ['checkpoint'], help: 'handle open files that have been removed, by links beside them' },
  { name: 'ext-unix-sk', type: 'boolean', commands: ['checkpoint', 'restore'], help: 'allow Unix sockets connected to the outside' },
  {
    name: 'shell-job',
    type: 'boolean',
    commands: ['checkpoint', 'restore'],
    help: "allow the caller's terminal, where the container has none of its own",
  },
  { name: 'file-locks', type: 'boolean', commands: ['checkpoint', 'restore'], help: 'handle file locks' },
  {
    name: 'auto-dedup',
    type: 'boolean',
    commands: ['checkpoint', 'restore'],
    help: 'free memory pages in images as soon as they are not needed',
  },
  { name: 'lazy-pages', type: 'boolean', commands: ['checkpoint', 'restore'], help: 'hand memory over on demand (criu lazy-pages)' },
  {
    name: 'status-fd',
    type: 'number',
    value: 'N',
    commands: ['checkpoint'],
    help: 'write a NUL to this descriptor once criu --lazy-pages serves pages',
  },
  { name: 'page-server', type: 'string', value: 'ADDRESS:PORT', commands: ['checkpoint'], help: 'send memory to this criu page-server' },
  {
    name: 'manage-cgroups-mode',
    type: 'string',
    choices: ['soft', 'full', 'strict', 'ignore'],
    default: 'soft',
    commands: ['checkpoint', 'restore'],
    help: 'what criu does about cgroups inside of the container',
  },
  {
    name: 'network-lock',
    type: 'string',
    choices: ['iptables', 'nftables', 'skip'],
    commands: ['checkpoint', 'restore'],
    help: 'how traffic is held up meanwhile (default: iptables, or nftables where that is not installed)',
  },
  {
    name: 'empty-ns',
    type: 'list',
    value: 'NAMESPACE',
    commands: ['checkpoint', 'restore'],
    help: 'leave the content of this namespace out: network',
  },
  {
    name: 'lsm-profile',
    type: 'string',
    value: 'TYPE:NAME',
    commands: ['restore'],
    help: 'the label of the processes: apparmor:NAME, selinux:LABEL',
  },
  { name: 'lsm-mount-context', type: 'string', value: 'CONTEXT', commands: ['restore'], help: 'the SELinux context of mounts' },
] as const;

function onBoth<Name extends string>(name: Name, value: string, help: string) {
  return { name, type: 'string', value, commands: ['checkpoint', 'restore'], help } as const;
}

const starts = ['run', 'plan'] as const;
const makes = [...starts, 'create'] as const;
const levels = ['error', 'warning', 'info', 'debug'] as const;

export const flagTable = [
  {
    name: 'root',
    type: 'string',
    value: 'DIR',
    commands: 'global',
    help: 'where state is kept (default: /run/krun, or $XDG_RUNTIME_DIR/krun)',
  },
  { name: 'log', type: 'string', value: 'FILE', commands: 'global', help: 'append log lines to this file (default: stderr)' },
  { name: 'log-format', type: 'string', choices: ['text', 'json'], default: 'text', commands: 'global', help: 'how log lines are written' },
  {
    name: 'log-level',
    type: 'string',
    choices: levels,
    commands: 'global',
    help: 'the least level that is logged (default: info to a file, error to stderr)',
  },
  { name: 'debug', type: 'boolean', commands: 'global', help: 'log at level debug' },
  { name: 'systemd-cgroup', type: 'boolean', alias: ['s'], commands: 'global', help: 'the same as --cgroup-manager systemd' },
  {
    name: 'cgroup-manager',
    type: 'string',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    default: 'cgroupfs',
    commands: 'global',
    help: 'who makes cgroups',
  },
  {
    name: 'rootless',
    type: 'string',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    commands: 'global',
    help: 'do without a cgroup that may not be made, if no limit and no path asks for it; auto: without privileges, or in a user namespace',
  },
  { name: 'criu', type: 'string', value: 'PATH', hidden: true, commands: 'global', help: 'accepted and ignored, as in runc' },
  { name: 'help', type: 'boolean', alias: ['h'], commands: 'global', help: 'print help' },
  { name: 'version', type: 'boolean', alias: ['v', 'V'], commands: 'global', help: 'print the version' },

  {
    name: 'bundle',
    type: 'string',
    alias: ['b'],
    value: 'DIR',
    commands: [...makes, 'spec', 'restore'],
    help: 'the bundle (default: the current directory)',
  },
  {
    name: 'pid-file',
    type: 'string',
    value: 'FILE',
    commands: [...makes, 'exec', 'restore'],
    help: 'write the pid of the new process to this file',
  },
  {
    name: 'preserve-fds',
    type: 'number',
    value: 'N',
    default: '0',
    commands: [...makes, 'exec'],
    help: 'hand descriptors 3 to 2+N to the process',
  },
  { name: 'ephemeral', type: 'boolean', commands: makes, help: 'write above the root file system in a tmpfs that is gone at exit' },
  {
    name: 'overlay-lower',
    type: 'list',
    value: 'DIR',
    commands: makes,
    help: 'a layer below the root file system (repeatable, topmost first)',
  },
  { name: 'overlay-upper', type: 'string', value: 'DIR', commands: makes, help: 'keep what is written in this directory' },
  {
    name: 'overlay-work',
    type: 'string',
    value: 'DIR',
    commands: makes,
    help: "overlayfs' work directory, on the file system of --overlay-upper",
  },
  {
    name: 'rootfs',
    type: 'string',
    value: 'DIR',
    commands: starts,
    help: 'run PROGRAM in this directory with the default config, without a bundle',
  },
  { name: 'print-config', type: 'boolean', commands: starts, help: 'with --rootfs: print the config.json and do nothing' },
  { name: 'print-id', type: 'boolean', commands: starts, help: "print the container's id on stdout before it starts" },
  {
    name: 'timing',
    type: 'boolean',
    commands: ['run', 'create', 'exec'],
    help: 'print where the time of the start went, to standard error',
  },
  { name: 'keep', type: 'boolean', commands: starts, help: 'keep the state after the container has ended' },
  { name: 'init', type: 'boolean', commands: makes, help: 'a first process of our own, which reaps orphans and forwards signals' },
  { name: 'no-new-keyring', type: 'boolean', commands: makes, help: "stay in the caller's session keyring" },
  {
    name: 'no-subreaper',
    type: 'boolean',
    commands: [...makes, 'restore'],
    help: 'do not reap the orphans of a container without a pid namespace (nobody does in one that is detached)',
  },
  {
    name: 'no-pivot',
    type: 'boolean',
    commands: [...makes, 'restore'],
    help: 'refused: without pivot_root the host file system stays reachable',
  },
  { name: 'detach', type: 'boolean', alias: ['d'], commands: [...starts, 'exec', 'restore'], help: 'return once the container runs' },
  {
    name: 'console-socket',
    type: 'string',
    value: 'PATH',
    commands: [...makes, 'exec', 'restore'],
    help: "detached: send the terminal's master to this socket",
  },
  {
    name: 'pidfd-socket',
    type: 'string',
    value: 'PATH',
    commands: [...makes, 'exec'],
    help: 'send a pidfd of the first process to this socket',
  },

  {
    name: 'process',
    type: 'string',
    alias: ['p'],
    value: 'FILE',
    commands: ['exec'],
    help: "the process as JSON, like config.json's (default: the container's, with another program)",
  },
  { name: 'cwd', type: 'string', value: 'DIR', commands: ['exec'], help: 'the working directory' },
  { name: 'env', type: 'list', alias: ['e'], value: 'NAME=VALUE', commands: ['exec'], help: 'add to the environment (repeatable)' },
  { name: 'tty', type: 'boolean', alias: ['t'], commands: ['exec'], help: 'give the process a terminal' },
  { name: 'user', type: 'string', alias: ['u'], value: 'UID[:GID]', commands: ['exec'], help: 'run as this user, by number' },
  {
    name: 'additional-gids',
    type: 'list',
    alias: ['g'],
    value: 'GID',
    commands: ['exec'],
    help: 'add a supplementary group, by number (repeatable)',
  },
  { name: 'cap', type: 'list', alias: ['c'], value: 'CAP_NAME', commands: ['exec'], help: 'add a capability (repeatable)' },
  { name: 'no-new-privs', type: 'boolean', commands: ['exec'], help: 'let execve give no privileges' },
  { name: 'process-label', type: 'string', value: 'LABEL', commands: ['exec'], help: 'the SELinux label of the process' },
  { name: 'apparmor', type: 'string', value: 'PROFILE', commands: ['exec'], help: 'the AppArmor profile of the process' },
  { name: 'cgroup', type: 'list', value: 'PATH', commands: ['exec'], help: "a cgroup below the container's to run in" },
  {
    name: 'ignore-paused',
    type: 'boolean',
    commands: ['exec'],
    help: 'also in a paused container: the process starts when that is resumed',
  },

  { name: 'json', type: 'boolean', commands: ['plan', 'validate', 'doctor'], help: 'print JSON' },
  { name: 'rootless', type: 'boolean', commands: ['spec'], help: 'a config for a user without privileges' },
  { name: 'strict', type: 'boolean', commands: ['validate'], help: 'take warnings for errors' },
  { name: 'force', type: 'boolean', alias: ['f'], commands: ['delete'], help: 'kill what still runs; an unknown id is no error' },
  {
    name: 'all',
    type: 'boolean',
    alias: ['a'],
    hidden: true,
    commands: ['kill'],
    help: 'obsolete: a container that does not run is no error',
  },
  {
    name: 'format',
    type: 'string',
    alias: ['f'],
    choices: ['table', 'json'],
    default: 'table',
    commands: ['list', 'ps', 'supervisor', 'image', 'pull', 'push'],
    help: 'how the list, or the result, is printed',
  },
  {
    name: 'interval',
    type: 'string',
    value: 'DURATION',
    default: '5s',
    commands: ['events'],
    help: 'the time between two statistics: 5s, 500ms, 1m30s',
  },
  { name: 'stats', type: 'boolean', commands: ['events'], help: 'print the statistics once' },
  {
    name: 'resources',
    type: 'string',
    alias: ['r'],
    value: 'FILE',
    commands: ['update'],
    help: 'linux.resources as JSON, - for standard input; all other flags are then ignored',
  },
  {
    name: 'idle-timeout',
    type: 'string',
    value: 'DURATION',
    commands: ['supervisor'],
    help: 'leave after this time without a call: 90s, 5m; 0 for never (default: never, 10m at a socket of systemd)',
  },
  ...updateFlags,
  ...criuFlags,
  ...imageFlags,
  { name: 'quiet', type: 'boolean', alias: ['q'], commands: ['list'], help: 'print ids only' },
] as const satisfies readonly Flag[];

export type FlagName = (typeof flagTable)[number]['name'];

/** The flags that may stand after a command, or before any (null). */
export function flagsOf(command: CommandName | null): readonly Flag[] {
  return flagTable.filter((flag: Flag) =>
    command === null ? flag.commands === 'global' : flag.commands !== 'global' && flag.commands.includes(command),
  );
}

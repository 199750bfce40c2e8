// What differs between krun and other runtimes on purpose, or because the specification leaves it open. All else is a fault.
import type { RuntimeName } from './runtimes.ts';

export interface KnownDifference {
  readonly runtime: Exclude<RuntimeName, 'krun'> | 'both';
  /** Of the line in which they differ (normalize.ts). */
  readonly place: RegExp;
  /** What the others have there, and krun. */
  readonly theirs?: RegExp;
  readonly ours?: RegExp;
  readonly why: string;
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    runtime: 'both',
    place: /^mounts\/(proc|sys|etc|home)\/?[^|]*\|(source|options|super)$/,
    ours: /^(none|nodev,noexec,nosuid,relatime,ro|.*nr_inodes=1,rw,size=4k.*)$/,
    why: 'a masked directory is covered by a tmpfs without room, nosuid, nodev and noexec',
  },
  {
    runtime: 'both',
    place: /^mounts\/(proc|sys|etc|home)\/?[^|]*(\|(source|options|super))?$/,
    ours: /^(devtmpfs|noexec,nosuid,relatime,rw|mode=755,nr_inodes=\d+,rw,size=\d+k)$/,
    why: "a masked file is covered by the host's null device: the container's own /dev/null may be anything (SECURITY.md A5)",
  },
  {
    runtime: 'both',
    place: /^mounts\/sys\|super$/,
    theirs: /^ro$/,
    ours: /^rw$/,
    why: 'ro is of the mount; the others make the superblock read-only too, which nobody can tell but by mountinfo',
  },
  {
    runtime: 'both',
    place: /^devices\/core$/,
    theirs: /^none$/,
    why: '/dev/core is always there; the others look whether the kernel has /proc/kcore',
  },
  {
    runtime: 'runc',
    place: /^environment$/,
    theirs: /"HOME="/,
    ours: /"HOME=\/"/,
    why: 'a user whom /etc/passwd does not have is at home in /',
  },
  {
    runtime: 'both',
    place: /^environment$/,
    theirs: /^(?!.*"HOME=[^"])/,
    ours: /"HOME=\/"/,
    why: 'a user whom /etc/passwd does not have is at home in /; runc leaves HOME empty, crun leaves it out',
  },
  {
    runtime: 'both',
    place: /^devices\/mqueue$/,
    ours: /65534:65534$/,
    why: "the ipc namespace is made by one clone3 with the user namespace, whose maps come later: the root of its mqueue is the maker's. Its mode is 1777",
  },
  {
    runtime: 'runc',
    place: /\|propagation$/,
    theirs: /^$/,
    ours: /^shared$/,
    why: 'linux.rootfsPropagation shared and rshared make the root shared: runc before 1.2 leaves it private',
  },
  {
    runtime: 'crun',
    place: /^mounts\/var\|propagation$/,
    theirs: /^$/,
    ours: /^shared$/,
    why: 'a bind with rshared is shared, as with runc',
  },
  {
    runtime: 'crun',
    place: /^mounts\/sys\/fs\/cgroup\|source$/,
    theirs: /^cgroup2$/,
    why: "the mount's source is a name, as config.json has it",
  },
  { runtime: 'crun', place: /^sessionKeyring$/, theirs: /^<id>$/, ours: /^_ses\.<id>$/, why: "the keyring has runc's name" },
  {
    runtime: 'crun',
    place: /^mounts\/dev\/[^|]*\|options$/,
    theirs: /^noexec,nosuid,relatime,rw$/,
    ours: /^relatime,rw$/,
    why: 'device nodes bound into a user namespace: as with runc, without flags that mean nothing to a device',
  },
  { runtime: 'crun', place: /^cgroup$/, theirs: /^\["0::\/"\]$/, why: 'crun runs without cgroups here' },
  {
    runtime: 'crun',
    place: /^(devices|mounts\/dev)\/fuse/,
    why: 'in a user namespace a device of linux.devices is the node of the host, as with runc: crun makes a new one beforehand',
  },
];

import type { NamespaceType } from '../../config/config.ts';

// <linux/sched.h>
export const CLONE_PARENT = 0x8000n;
export const CLONE_NEWUSER = 0x1000_0000n;
export const CLONE_NEWCGROUP = 0x0200_0000n;
export const CLONE_NEWTIME = 0x80n;

/** The CLONE_NEW* bit of each type of namespace. */
export const namespaceFlags = {
  pid: 0x2000_0000n,
  network: 0x4000_0000n,
  mount: 0x2_0000n,
  ipc: 0x0800_0000n,
  uts: 0x0400_0000n,
  user: CLONE_NEWUSER,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
} as const satisfies Record<NamespaceType, bigint>;

import type { SeccompFlag } from '../../config/config.ts';

// SECCOMP_FILTER_FLAG_* of linux/seccomp.h. WAIT_KILLABLE_RECV says how a process waits for its listener; the kernel refuses it
// without one (EINVAL), so that it counts with SCMP_ACT_NOTIFY only, as in libseccomp.
const specAllow = 4;
const bits = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: specAllow,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0,
} as const satisfies Record<SeccompFlag, number>;

/** The flags for seccomp(2). A profile without the property gets SPEC_ALLOW, as in runc and crun; an empty list is none. */
export function filterFlags(flags: readonly SeccompFlag[] | undefined): number {
  return flags === undefined ? specAllow : flags.reduce((all, flag) => all | bits[flag], 0);
}

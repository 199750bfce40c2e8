import type { Seccomp, SeccompFlag } from '../../config/config.ts';

// SECCOMP_FILTER_FLAG_* of linux/seccomp.h.
const specAllow = 4;
const bits = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: specAllow,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0x20,
} as const satisfies Record<SeccompFlag, number>;
const { SECCOMP_FILTER_FLAG_TSYNC: tsync, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: waitKillable } = bits;

/** With it seccomp(2) returns the descriptor at which the calls of SCMP_ACT_NOTIFY are to be heard. */
export const newListener = 8;
const tsyncEsrch = 0x10;

/**
 * The flags for seccomp(2). A profile without the property gets SPEC_ALLOW, as in runc and crun; an empty list is none. The kernel refuses
 * WAIT_KILLABLE_RECV without a listener, and TSYNC beside one unless its failure is told by ESRCH (EINVAL): as in libseccomp, the
 * former is left out and the latter added.
 */
export function filterFlags({ flags, syscalls = [] }: Seccomp): number {
  const given = flags === undefined ? specAllow : flags.reduce((all, flag) => all | bits[flag], 0);
  const notifies = syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  if (!notifies) return given & ~waitKillable;
  return given | newListener | ((given & tsync) === 0 ? 0 : tsyncEsrch);
}

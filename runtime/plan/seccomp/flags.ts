import { KrunError } from '../../errors/krun-error.ts';

// SECCOMP_FILTER_FLAG_* of linux/seccomp.h. WAIT_KILLABLE_RECV says how a process waits for its listener; the kernel refuses it
// without one (EINVAL), so that it counts with SCMP_ACT_NOTIFY only, as in libseccomp.
const flagBits: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0,
};

/** The flags for seccomp(2). A profile without the property gets SPEC_ALLOW, as in runc and crun; an empty list is none. Throws E_SECCOMP. */
export function filterFlags(flags: readonly string[] | undefined): number {
  if (flags === undefined) return 4;
  return flags.reduce((bits, flag, index) => bits | bitOf(flag, index), 0);
}

function bitOf(flag: string, index: number): number {
  const bit = flagBits[flag];
  if (bit !== undefined) return bit;
  throw new KrunError('E_SECCOMP', `${flag} is not a seccomp flag`, { pointer: `/linux/seccomp/flags/${index}` });
}

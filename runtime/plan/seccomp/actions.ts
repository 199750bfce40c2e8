import type { SeccompAction } from '../../config/config.ts';

// SECCOMP_RET_* of linux/seccomp.h: what a filter returns.
export const killProcess = 0x80000000;
const errno = 0x00050000;
const trace = 0x7ff00000;

const EPERM = 1;
const ENOSYS = 38;

/** The verdict for a call that the profile cannot know. */
export const returnEnosys = errno | ENOSYS;

const returns = {
  SCMP_ACT_KILL: 0x00000000, // the older name of KILL_THREAD, as in libseccomp
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: killProcess,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: errno,
  SCMP_ACT_TRACE: trace,
  SCMP_ACT_NOTIFY: 0x7fc00000, // takes a listener besides (seccomp_unotify(2))
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const satisfies Record<SeccompAction, number>;

/**
 * The filter's return value (an unsigned 32-bit number) for an action. `errnoRet` (validated: 16 bits, and only where it belongs) is the
 * errno of ERRNO and the tracer's message of TRACE; EPERM if absent (config-linux.md#seccomp).
 */
export function filterReturn(action: SeccompAction, errnoRet: number | undefined): number {
  const value = returns[action];
  return value === errno || value === trace ? value | (errnoRet ?? EPERM) : value;
}

/** Whether a call that the profile does not name goes through (a tracer is trusted to know newer calls), so that it needs no ENOSYS. */
export function isPermissive(action: SeccompAction): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG' || action === 'SCMP_ACT_TRACE';
}

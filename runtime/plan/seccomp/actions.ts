import { KrunError } from '../../errors/krun-error.ts';

// SECCOMP_RET_* of linux/seccomp.h: what a filter returns.
export const killProcess = 0x80000000;
const killThread = 0x00000000;
const trap = 0x00030000;
const errno = 0x00050000;
const trace = 0x7ff00000;
const log = 0x7ffc0000;
const allow = 0x7fff0000;

const EPERM = 1;
const ENOSYS = 38;

/** The verdict for a call that the profile cannot know. */
export const returnEnosys = errno | ENOSYS;

const returns: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: killThread, // as in libseccomp, where it is the older name of KILL_THREAD
  SCMP_ACT_KILL_THREAD: killThread,
  SCMP_ACT_KILL_PROCESS: killProcess,
  SCMP_ACT_TRAP: trap,
  SCMP_ACT_ERRNO: errno,
  SCMP_ACT_TRACE: trace,
  SCMP_ACT_LOG: log,
  SCMP_ACT_ALLOW: allow,
};

/**
 * The filter's return value (an unsigned 32-bit number) for an action of a profile. `errnoRet` is the errno of ERRNO and the tracer's
 * message of TRACE, EPERM if absent; another action must have none (config-linux.md#seccomp), nor can the 16 bits hold more than 65535.
 */
export function filterReturn(action: string, errnoRet: number | undefined, pointers: { action: string; errnoRet: string }): number {
  const value = returns[action];
  if (value === undefined) {
    throw new KrunError('E_SECCOMP', `${action} is not an action of a seccomp rule`, { pointer: pointers.action });
  }
  if (value !== errno && value !== trace) {
    if (errnoRet === undefined) return value;
    throw new KrunError('E_SECCOMP', `${action} takes no errno`, { pointer: pointers.errnoRet, hint: 'remove it' });
  }
  const data = errnoRet ?? EPERM;
  if (!Number.isInteger(data) || data < 0 || data > 0xffff) {
    throw new KrunError('E_SECCOMP', `an errno must be between 0 and 65535, not ${data}`, { pointer: pointers.errnoRet });
  }
  return value | data;
}

/** Whether a call that the profile does not name goes through (a tracer is trusted to know newer calls), so that it needs no ENOSYS. */
export function isPermissive(action: string): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG' || action === 'SCMP_ACT_TRACE';
}

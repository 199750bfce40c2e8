import type { Seccomp } from '../../config/config.ts';

/** Whether a profile amounts to none. */
export function forbidsNothing(profile: Seccomp): boolean {
  return (profile.syscalls ?? []).length === 0 && profile.defaultAction === 'SCMP_ACT_ALLOW';
}

import { findHostProgram } from './program.ts';

/** criu, from the caller's PATH or from where root's programs are; null when it is nowhere. */
export function findCriuProgram(env: ReadonlyMap<string, string>): string | null {
  return findHostProgram('criu', env, ['/usr/local/sbin', '/usr/sbin', '/sbin']);
}

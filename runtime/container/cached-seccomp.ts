import type { Seccomp } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { HostFacts } from '../plan/host-facts.ts';
import { type CompiledSeccomp, compileSeccomp } from '../plan/seccomp/compile.ts';

export function compileCachedSeccomp(profile: Seccomp | undefined, { architecture }: HostFacts, _root: string): CompiledSeccomp | null {
  if (profile === undefined) return null;
  if (architecture !== 'x86_64' && architecture !== 'aarch64')
    throw new KrunError('E_SECCOMP', `no seccomp filter can be compiled for ${architecture}`, { pointer: '/linux/seccomp' });
  return compileSeccomp(profile, architecture);
}

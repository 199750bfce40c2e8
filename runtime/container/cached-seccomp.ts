import type { Seccomp } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { readCachedSeccomp, writeCachedSeccomp } from '../host/seccomp-cache.ts';
import type { HostFacts } from '../plan/host-facts.ts';
import { seccompCacheKey } from '../plan/seccomp/cache-entry.ts';
import type { CompiledSeccomp } from '../plan/seccomp/compile.ts';
import { forbidsNothing } from '../plan/seccomp/forbids-nothing.ts';

/** The profile's program; from <root>/.seccomp if it was compiled before. null when it forbids nothing. */
export async function compileCachedSeccomp(
  profile: Seccomp | undefined,
  { architecture }: HostFacts,
  root: string,
): Promise<CompiledSeccomp | null> {
  if (profile === undefined || forbidsNothing(profile)) return null;
  if (architecture !== 'x86_64' && architecture !== 'aarch64')
    throw new KrunError('E_SECCOMP', `no seccomp filter can be compiled for ${architecture}`, { pointer: '/linux/seccomp' });
  const known = inMemory.get(profile);
  if (known !== undefined) return known.compiled;
  const compiled = await findOrCompile(profile, architecture, `${root}/.seccomp`);
  inMemory.set(profile, { compiled });
  return compiled;
}

// For a resident supervisor, which meets the same profile again.
const inMemory = new WeakMap<Seccomp, { readonly compiled: CompiledSeccomp | null }>();

async function findOrCompile(profile: Seccomp, architecture: 'x86_64' | 'aarch64', directory: string): Promise<CompiledSeccomp | null> {
  const key = seccompCacheKey(profile, architecture);
  const cached = readCachedSeccomp(directory, key);
  if (cached !== undefined) return cached;
  const { compileSeccomp } = await import('../plan/seccomp/compile.ts'); // with its tables, which a cached profile does not need
  const compiled = compileSeccomp(profile, architecture);
  if (compiled !== null) writeCachedSeccomp(directory, key, compiled);
  return compiled;
}

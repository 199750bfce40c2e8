import type { Report } from './problem.ts';
import { numberList } from './scheduling.ts';
import { array, type Draft, type Infer, object, oneOf, refine } from './schema.ts';

export const memoryPolicyModes = [
  'MPOL_DEFAULT',
  'MPOL_PREFERRED',
  'MPOL_BIND',
  'MPOL_INTERLEAVE',
  'MPOL_LOCAL',
  'MPOL_PREFERRED_MANY',
  'MPOL_WEIGHTED_INTERLEAVE',
] as const;

export const memoryPolicyFlags = ['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES'] as const;

const memoryPolicyShape = object(
  { mode: oneOf(memoryPolicyModes) },
  { nodes: numberList(1024, 'memory nodes'), flags: array(oneOf(memoryPolicyFlags)) },
);

/** config-linux.md#memory-policy: set_mempolicy(2). */
export const memoryPolicy = refine(memoryPolicyShape, reportMemoryPolicy);

export type MemoryPolicy = Infer<typeof memoryPolicyShape>;

function reportMemoryPolicy({ mode, nodes, flags = [] }: Draft<MemoryPolicy>, report: Report): void {
  if (mode === undefined) return;
  const needsNone = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL';
  if (needsNone && nodes !== undefined) report.error(['nodes'], `must be left out with ${mode}`);
  if (!needsNone && mode !== 'MPOL_PREFERRED' && nodes === undefined) report.error(['nodes'], `must name at least one node with ${mode}`);
  reportFlags(mode, nodes !== undefined, flags, report);
}

// mm/mempolicy.c, sanitize_mpol_flags() and mpol_new().
function reportFlags(mode: string, hasNodes: boolean, flags: readonly (string | undefined)[], report: Report): void {
  const [relative, fixed] = [flags.indexOf('MPOL_F_RELATIVE_NODES'), flags.indexOf('MPOL_F_STATIC_NODES')];
  const balancing = flags.indexOf('MPOL_F_NUMA_BALANCING');
  if (relative >= 0 && fixed >= 0) report.error(['flags'], 'must not have both MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES');
  if (mode === 'MPOL_DEFAULT' && flags.length > 0) report.error(['flags'], 'must be left out with MPOL_DEFAULT');
  else if (!hasNodes && Math.max(relative, fixed) >= 0) report.error(['flags'], `must not be about nodes: ${mode} has none here`);
  if (balancing >= 0 && mode !== 'MPOL_DEFAULT' && mode !== 'MPOL_BIND' && mode !== 'MPOL_PREFERRED_MANY') {
    report.error(['flags', balancing], `must not be MPOL_F_NUMA_BALANCING with ${mode}: only MPOL_BIND and MPOL_PREFERRED_MANY have it`);
  }
}

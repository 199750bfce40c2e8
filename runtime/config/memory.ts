import type { Report } from './problem.ts';
import { bigInteger, boolean, type Draft, type Infer, object, refine } from './schema.ts';

// Bytes; -1 is unlimited, 0 is "leave it" (REFERENCE.md D).
const bytes = bigInteger(-1n, 2n ** 63n - 1n);

const memoryShape = object(
  {},
  {
    limit: bytes,
    reservation: bytes,
    /** Memory and swap together. */
    swap: bytes,
    kernel: bytes,
    kernelTCP: bytes,
    swappiness: bigInteger(0n, 100n),
    disableOOMKiller: boolean,
    useHierarchy: boolean,
    checkBeforeUpdate: boolean,
  },
);

/** config-linux.md#memory, as far as cgroup v2 has it. */
export const memory = refine(memoryShape, reportMemory);

export type Memory = Infer<typeof memoryShape>;

function reportMemory(draft: Draft<Memory>, report: Report): void {
  reportSwap(draft, report);
  reportVersion1(draft, report);
  // Not refused: the runtime-spec advises against both, kernels since 5.16 have neither, engines still write them,
  // and on cgroup v2 kernel and socket memory is charged to memory.max, so no limit is lost that limit does not hold.
  for (const name of ['kernel', 'kernelTCP'] as const) {
    if ((draft[name] ?? 0n) > 0n) report.warning([name], 'must be left out: on cgroup v2 this memory is part of limit; it is ignored');
  }
}

// memory.swap.max counts swap alone: it is swap - limit, which must exist and not be negative.
function reportSwap({ limit = 0n, swap = 0n }: Draft<Memory>, report: Report): void {
  if (swap <= 0n || limit < 0n) return;
  if (limit === 0n) report.error(['swap'], 'must come with limit: it is the sum of memory and swap', { hint: 'set limit too' });
  else if (swap < limit) report.error(['swap'], `must be at least limit (${limit}), not ${swap}: it is the sum of memory and swap`);
}

// "If the conversion is not possible the runtime MUST generate an error" (config-linux.md#unified).
function reportVersion1({ swappiness, disableOOMKiller, useHierarchy }: Draft<Memory>, report: Report): void {
  if (swappiness !== undefined) report.error(['swappiness'], 'must be left out: cgroup v2 has no swappiness of its own');
  if (disableOOMKiller === true) report.error(['disableOOMKiller'], 'must be false: cgroup v2 cannot switch the OOM killer off');
  if (useHierarchy === false) report.error(['useHierarchy'], 'must be true: cgroup v2 always accounts by hierarchy');
}

import { minimumMemory } from '../cgroup/minimum-memory.ts';
import type { Memory } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';

/** E_BAD_LIMIT for a limit that would have the kernel kill the container's set-up. */
export function requireEnoughMemory(memory: Memory | undefined): void {
  const { limit = 0n } = memory ?? {};
  if (limit <= 0n || limit >= minimumMemory) return;
  throw new KrunError('E_BAD_LIMIT', `memory limit ${limit} is too small to start: at least ${minimumMemory} bytes (512 KiB) are needed`, {
    pointer: '/linux/resources/memory/limit',
  });
}

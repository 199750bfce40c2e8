import type { Memory } from '../config/config.ts';
import { orMax, type Setting, setting } from './setting.ts';

/** linux.resources.memory. 0 leaves a value as it is; swap before limit, as runc writes them. */
export function memorySettings({ limit = 0n, reservation = 0n, swap = 0n }: Memory): Setting[] {
  const settings: Setting[] = [];
  const swapMax = swapOnly(limit, swap);
  // Without swap accounting there is no such file; then "no limit" is true anyway, and "no swap" is what an engine says by default.
  if (swapMax !== null) settings.push(setting('memory.swap.max', swapMax, swap === 0n ? '/memory/limit' : '/memory/swap', swapMax === '0'));
  if (limit !== 0n) settings.push(setting('memory.max', orMax(limit), '/memory/limit'));
  if (reservation !== 0n) settings.push(setting('memory.low', orMax(reservation), '/memory/reservation'));
  return settings;
}

// The runtime-spec's swap is memory and swap together, the kernel's memory.swap.max swap alone. Validation has seen to swap ≥ limit.
function swapOnly(limit: bigint, swap: bigint): string | null {
  if (swap === 0n) return limit < 0n ? 'max' : null;
  if (swap < 0n) return 'max';
  return limit < 0n ? String(swap) : String(swap - limit);
}

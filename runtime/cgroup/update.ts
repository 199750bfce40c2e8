import type { Resources } from '../config/config.ts';
import { resourceSettings } from './resources.ts';
import { type Setting, setting } from './setting.ts';

/** The files to write so that `touched` takes force, where `saved` is in force now. */
export function updateSettings(touched: Resources, saved: Resources, host: { readonly ioWeightFiles: readonly string[] }): Setting[] {
  const settings = resourceSettings(touched, host);
  const [burst, before] = [touched.cpu?.burst, saved.cpu?.burst ?? 0n];
  if (burst === undefined) return settings;
  const written = settings.filter(({ file }) => file !== 'cpu.max.burst');
  const last = setting('cpu.max.burst', burst, '/cpu/burst', burst === 0n);
  // The kernel refuses, at each step, a burst above the quota: one that falls goes first, one that rises follows the quota.
  return burst < before ? [last, ...written] : [...written, last];
}

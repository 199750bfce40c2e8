import type { Cpu } from '../config/config.ts';
import { type Setting, setting } from './setting.ts';

/** linux.resources.cpu but the cpuset. */
export function cpuSettings(cpu: Cpu): Setting[] {
  return [...weightSettings(cpu), ...bandwidthSettings(cpu)];
}

/** linux.resources.cpu.cpus and mems, in the kernel's own syntax. */
export function cpusetSettings({ cpus, mems }: Cpu): Setting[] {
  const settings: Setting[] = [];
  if (cpus !== undefined) settings.push(setting('cpuset.cpus', cpus, '/cpu/cpus'));
  if (mems !== undefined) settings.push(setting('cpuset.mems', mems, '/cpu/mems'));
  return settings;
}

/**
 * cpu.shares (2 to 262144, 1024 is the default) as cpu.weight (1 to 10000, 100 is the default): the curve that systemd, runc and crun
 * agree on, which meets all three pairs.
 */
export function sharesToWeight(shares: bigint): number {
  if (shares <= 2n) return 1;
  if (shares >= 262_144n) return 10_000;
  const l = Math.log2(Number(shares));
  // Rounding errors must not push a whole number over its ceiling: 1024 is 100, not 101.
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34) - 1e-9);
}

// The kernel refuses a weight while the cgroup is idle: the weight comes first where it becomes idle, and last where it no longer is.
function weightSettings({ shares = 0n, idle }: Cpu): Setting[] {
  const weight = shares === 0n ? [] : [setting('cpu.weight', sharesToWeight(shares), '/cpu/shares')];
  const idles = idle === undefined ? [] : [setting('cpu.idle', idle, '/cpu/idle')];
  return idle === 1 ? [...weight, ...idles] : [...idles, ...weight];
}

// The burst must not exceed the quota, so that it follows. A quota or period that is not given keeps what is in force.
function bandwidthSettings({ quota = 0n, period = 0n, burst = 0n }: Cpu): Setting[] {
  const settings: Setting[] = [];
  if (quota !== 0n || period !== 0n) {
    const limit = quota > 0n ? String(quota) : 'max';
    settings.push(setting('cpu.max', period === 0n ? limit : `${limit} ${period}`, quota !== 0n ? '/cpu/quota' : '/cpu/period'));
  }
  if (burst !== 0n) settings.push(setting('cpu.max.burst', burst, '/cpu/burst'));
  return settings;
}

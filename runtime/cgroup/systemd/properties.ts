// Values for files of a cgroup → properties of its unit (systemd.resource-control(5)). A unit that knows its limits keeps them when systemd
// writes the cgroup's files anew, and `systemctl show` tells them. What systemd has no property for is in the files alone.
import { parseNumberList } from '../../config/scheduling.ts';
import type { Setting } from '../setting.ts';
import type { BusValue } from './bus-message.ts';
import type { Property } from './manager.ts';

export interface UnitProperties {
  readonly known: readonly Property[];
  /** Those that not every version of systemd takes. */
  readonly recent: readonly Property[];
}

/** The last setting of a file counts. */
export function unitProperties(settings: readonly Pick<Setting, 'file' | 'value'>[]): UnitProperties {
  const known = new Map<string, Property>();
  const recent = new Map<string, Property>();
  for (const { file, value } of settings) {
    for (const line of value.split('\n')) {
      for (const property of propertiesOf(file, line)) {
        const into = isRecent(property) ? recent : known;
        into.set(property.name, merge(into.get(property.name), property));
      }
    }
  }
  return { known: [...known.values()], recent: [...recent.values()] };
}

const infinity = 0xffff_ffff_ffff_ffffn;

const amounts: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'memory.zswap.max': 'MemoryZSwapMax',
  'pids.max': 'TasksMax',
};

const rates: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
};

function propertiesOf(file: string, value: string): Property[] {
  const amount = amounts[file];
  if (amount !== undefined) return numberProperty(amount, bytesOf(value));
  switch (file) {
    case 'cpu.weight':
      return numberProperty('CPUWeight', bytesOf(value));
    case 'cpu.idle':
      return numberProperty('CPUWeight', value === '1' ? 0n : infinity); // systemd 252 and later take 0 for idle
    case 'cpu.max':
      return cpuQuota(value);
    case 'cpuset.cpus':
      return bitmask('AllowedCPUs', value);
    case 'cpuset.mems':
      return bitmask('AllowedMemoryNodes', value);
    case 'io.weight':
      return ioWeight(value);
    case 'io.max':
      return ioLimits(value);
    default:
      return [];
  }
}

function isRecent({ name, value }: Property): boolean {
  return name === 'MemoryZSwapMax' || (name === 'CPUWeight' && value === 0n);
}

function numberProperty(name: string, value: bigint | null): Property[] {
  return value === null ? [] : [{ name, type: 't', value }];
}

// As the kernel's memparse has it: 512M.
function bytesOf(value: string): bigint | null {
  if (value === 'max') return infinity;
  const [, digits, unit = ''] = /^(\d+)([kmgtpe]?)$/i.exec(value) ?? [];
  return digits === undefined ? null : BigInt(digits) << BigInt(10 * ' kmgtpe'.indexOf(unit.toLowerCase() || ' '));
}

const defaultPeriod = 100_000n;
const second = 1_000_000n;

// systemd counts in whole percents of a CPU: rounded up, so that it never takes from what is asked for. The file has the exact quota.
function cpuQuota(value: string): Property[] {
  const [, quota, period] = /^(max|\d+)(?: (\d+))?$/.exec(value) ?? [];
  if (quota === undefined) return [];
  const periods: Property[] = period === undefined ? [] : [{ name: 'CPUQuotaPeriodUSec', type: 't', value: BigInt(period) }];
  const percent = second / 100n;
  const per = period === undefined ? defaultPeriod : BigInt(period);
  if (per === 0n) return [];
  const perSecond = quota === 'max' ? infinity : ceilTo(ceilDivide(BigInt(quota) * second, per), percent);
  return [{ name: 'CPUQuotaPerSecUSec', type: 't', value: perSecond }, ...periods];
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

function ceilTo(value: bigint, unit: bigint): bigint {
  return ceilDivide(value, unit) * unit;
}

// Bit n of byte n/8, least significant first; none at all for an empty list.
function bitmask(name: string, list: string): Property[] {
  const numbers = list === '' ? [] : parseNumberList(list);
  if (numbers === undefined || numbers.some((number) => number > mostNumbers)) return [];
  const bytes = new Uint8Array(numbers.length === 0 ? 0 : Math.floor(Math.max(...numbers) / 8) + 1);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] as number) | (1 << (number & 7));
  return [{ name, type: 'ay', value: bytes }];
}

const mostNumbers = 8191; // CONFIG_NR_CPUS at most

function ioWeight(value: string): Property[] {
  const [, common] = /^(?:default )?(\d+)$/.exec(value) ?? [];
  if (common !== undefined) return [{ name: 'IOWeight', type: 't', value: BigInt(common) }];
  const [, device, weight] = /^(\d+:\d+) (\d+)$/.exec(value) ?? [];
  return device === undefined || weight === undefined ? [] : [perDevice('IODeviceWeight', device, BigInt(weight))];
}

function ioLimits(value: string): Property[] {
  const [device = '', ...limits] = value.split(' ');
  return limits.flatMap((limit) => {
    const [, key = '', rate = ''] = /^([a-z]+)=(max|\d+)$/.exec(limit) ?? [];
    const name = rates[key];
    return name === undefined ? [] : [perDevice(name, device, rate === 'max' ? infinity : BigInt(rate))];
  });
}

function perDevice(name: string, device: string, value: bigint): Property {
  return { name, type: 'a(st)', value: [[`/dev/block/${device}`, value]] };
}

// Values for devices add up, device by device.
function merge(before: Property | undefined, property: Property): Property {
  if (before === undefined || property.type !== 'a(st)') return property;
  return { ...property, value: [...(before.value as readonly BusValue[]), ...(property.value as readonly BusValue[])] };
}

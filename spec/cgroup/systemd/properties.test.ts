import test from 'ava';
import { resourceSettings } from '../../../runtime/cgroup/resources.ts';
import type { Property } from '../../../runtime/cgroup/systemd/manager.ts';
import { unitProperties } from '../../../runtime/cgroup/systemd/properties.ts';
import type { Resources } from '../../../runtime/config/config.ts';

const infinity = 0xffff_ffff_ffff_ffffn;
type Row = readonly [file: string, value: string, ...(readonly [name: string, type: string, value: unknown])[]];

const rows: readonly Row[] = [
  ['memory.max', '67108864', ['MemoryMax', 't', 67108864n]],
  ['memory.max', 'max', ['MemoryMax', 't', infinity]],
  ['memory.high', '512M', ['MemoryHigh', 't', 536870912n]],
  ['memory.low', '1k', ['MemoryLow', 't', 1024n]],
  ['memory.min', '0', ['MemoryMin', 't', 0n]],
  ['memory.swap.max', '0', ['MemorySwapMax', 't', 0n]],
  ['pids.max', '50', ['TasksMax', 't', 50n]],
  ['pids.max', 'max', ['TasksMax', 't', infinity]],
  ['cpu.weight', '59', ['CPUWeight', 't', 59n]],
  ['cpu.idle', '0', ['CPUWeight', 't', infinity]],
  ['cpu.max', '50000 100000', ['CPUQuotaPerSecUSec', 't', 500000n], ['CPUQuotaPeriodUSec', 't', 100000n]],
  ['cpu.max', '33333 100000', ['CPUQuotaPerSecUSec', 't', 340000n], ['CPUQuotaPeriodUSec', 't', 100000n]],
  ['cpu.max', '5000', ['CPUQuotaPerSecUSec', 't', 50000n]],
  ['cpu.max', '150000 50000', ['CPUQuotaPerSecUSec', 't', 3000000n], ['CPUQuotaPeriodUSec', 't', 50000n]],
  ['cpu.max', 'max 100000', ['CPUQuotaPerSecUSec', 't', infinity], ['CPUQuotaPeriodUSec', 't', 100000n]],
  ['cpuset.cpus', '0-1,9', ['AllowedCPUs', 'ay', Uint8Array.of(0b11, 0b10)]],
  ['cpuset.cpus', '', ['AllowedCPUs', 'ay', Uint8Array.of()]],
  ['cpuset.mems', '0', ['AllowedMemoryNodes', 'ay', Uint8Array.of(1)]],
  ['io.weight', '500', ['IOWeight', 't', 500n]],
  ['io.weight', 'default 500', ['IOWeight', 't', 500n]],
  ['io.weight', '8:0 200', ['IODeviceWeight', 'a(st)', [['/dev/block/8:0', 200n]]]],
  [
    'io.max',
    '8:16 rbps=1048576 wiops=max',
    ['IOReadBandwidthMax', 'a(st)', [['/dev/block/8:16', 1048576n]]],
    ['IOWriteIOPSMax', 'a(st)', [['/dev/block/8:16', infinity]]],
  ],
];

for (const [file, value, ...expected] of rows) {
  test(`${file} "${value}" is ${expected.map(([name]) => name).join(' and ')}`, (t) => {
    t.deepEqual(unitProperties([{ file, value }]).known.map(triple), expected);
  });
}

test('what only newer versions of systemd take is apart', (t) => {
  const { known, recent } = unitProperties([
    { file: 'cpu.idle', value: '1' },
    { file: 'memory.zswap.max', value: '5' },
  ]);
  t.deepEqual(known, []);
  t.deepEqual(recent.map(triple), [
    ['CPUWeight', 't', 0n],
    ['MemoryZSwapMax', 't', 5n],
  ]);
});

test('what systemd has no property for, or no value, is in the files alone', (t) => {
  const files = ['hugetlb.2MB.max', 'rdma.max', 'cpu.max.burst', 'memory.oom.group', 'io.bfq.weight', 'misc.max'];
  const odd = [
    { file: 'memory.max', value: 'lots' },
    { file: 'cpuset.cpus', value: '99999' },
    { file: 'cpu.max', value: '1 0' },
  ];
  t.deepEqual(unitProperties([...files.map((file) => ({ file, value: '1' })), ...odd]), { known: [], recent: [] });
});

test('of two values for one file the last one counts; limits of devices add up', (t) => {
  const { known } = unitProperties([
    { file: 'memory.max', value: '5' },
    { file: 'io.max', value: '8:0 rbps=1' },
    { file: 'io.max', value: '8:16 rbps=2' },
    { file: 'memory.max', value: '6' },
  ]);
  t.deepEqual(known.map(triple), [
    ['MemoryMax', 't', 6n],
    [
      'IOReadBandwidthMax',
      'a(st)',
      [
        ['/dev/block/8:0', 1n],
        ['/dev/block/8:16', 2n],
      ],
    ],
  ]);
});

test('limits of config.json become properties, those of unified last', (t) => {
  const resources: Resources = {
    memory: { limit: 64n << 20n, swap: 64n << 20n, reservation: 1n << 20n },
    pids: { limit: 0n },
    cpu: { shares: 1024n, quota: 20000n, cpus: '0' },
    unified: { 'memory.high': '32M', 'pids.max': '7' },
  };
  const { known } = unitProperties(resourceSettings(resources, { ioWeightFiles: [] }));
  t.deepEqual(Object.fromEntries(known.map(({ name, value }) => [name, value])), {
    TasksMax: 7n,
    MemorySwapMax: 0n,
    MemoryMax: 67108864n,
    MemoryLow: 1048576n,
    CPUWeight: 100n,
    CPUQuotaPerSecUSec: 200000n,
    AllowedCPUs: Uint8Array.of(1),
    MemoryHigh: 33554432n,
  });
});

function triple({ name, type, value }: Property): [string, string, unknown] {
  return [name, type, value];
}

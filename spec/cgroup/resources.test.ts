import test from 'ava';
import fc from 'fast-check';
import { sharesToWeight } from '../../runtime/cgroup/cpu.ts';
import { toIoWeight } from '../../runtime/cgroup/io.ts';
import { resourceSettings } from '../../runtime/cgroup/resources.ts';
import type { Resources } from '../../runtime/config/config.ts';

const bfq = { ioWeightFiles: ['io.bfq.weight', 'io.weight'] };
const cost = { ioWeightFiles: ['io.weight'] };
const big = 2n ** 63n - 1n;

// "file=value", with ? for what may be missing.
function filesOf(resources: Resources, host = cost): string[] {
  return resourceSettings(resources, host).map(({ file, value, optional }) => `${file}${optional ? '?' : ''}=${value}`);
}

const table: readonly (readonly [title: string, resources: Resources, expected: readonly string[], host?: typeof cost])[] = [
  ['nothing', {}, []],
  ['empty objects', { memory: {}, cpu: {}, pids: {}, blockIO: {}, hugepageLimits: [], rdma: {}, unified: {} }, []],
  ['memory.limit', { memory: { limit: 1048576n } }, ['memory.max=1048576']],
  ['memory.limit beyond 2^53', { memory: { limit: big } }, [`memory.max=${big}`]],
  ['memory.limit 0', { memory: { limit: 0n } }, []],
  ['memory.limit -1, which frees swap too', { memory: { limit: -1n } }, ['memory.swap.max?=max', 'memory.max?=max']],
  ['memory.swap -1', { memory: { limit: 5n, swap: -1n } }, ['memory.swap.max?=max', 'memory.max=5']],
  ['memory.swap above the limit', { memory: { limit: 5n, swap: 12n } }, ['memory.swap.max=7', 'memory.max=5']],
  ['memory.swap equal to the limit: no swap', { memory: { limit: 5n, swap: 5n } }, ['memory.swap.max?=0', 'memory.max=5']],
  ['memory.swap with limit -1', { memory: { limit: -1n, swap: 9n } }, ['memory.swap.max=9', 'memory.max?=max']],
  ['memory.reservation', { memory: { reservation: 7n } }, ['memory.low=7']],
  ['memory.reservation -1', { memory: { reservation: -1n } }, ['memory.low?=max']],
  ['memory.checkBeforeUpdate at creation', { memory: { limit: 5n, checkBeforeUpdate: true } }, ['memory.max=5']],
  ['memory.kernel, which is part of limit', { memory: { kernel: 5n, kernelTCP: 6n, useHierarchy: true } }, []],
  ['cpu.shares', { cpu: { shares: 1024n } }, ['cpu.weight=100']],
  ['cpu.shares 0', { cpu: { shares: 0n } }, []],
  ['cpu.quota and period', { cpu: { quota: 50000n, period: 200000n } }, ['cpu.max=50000 200000']],
  ['cpu.quota alone', { cpu: { quota: 50000n } }, ['cpu.max=50000']],
  ['cpu.period alone', { cpu: { period: 200000n } }, ['cpu.max?=max 200000']],
  ['cpu.quota -1', { cpu: { quota: -1n } }, ['cpu.max?=max']],
  ['cpu.burst after the quota', { cpu: { burst: 1000n, quota: 5000n } }, ['cpu.max=5000', 'cpu.max.burst=1000']],
  ['cpu.burst 0', { cpu: { burst: 0n } }, []],
  ['cpu.idle 1 after the weight, which could not be set then', { cpu: { idle: 1, shares: 2n } }, ['cpu.weight=1', 'cpu.idle=1']],
  ['cpu.idle 0 before the weight', { cpu: { idle: 0, shares: 2n } }, ['cpu.idle=0', 'cpu.weight=1']],
  ['cpu.cpus and mems', { cpu: { cpus: '0-3,7', mems: '0' } }, ['cpuset.cpus=0-3,7', 'cpuset.mems=0']],
  ['pids.limit', { pids: { limit: 10n } }, ['pids.max=10']],
  ['pids.limit 0', { pids: { limit: 0n } }, ['pids.max=1']],
  ['pids.limit -1', { pids: { limit: -1n } }, ['pids.max?=max']],
  ['pids.limit at the most that the kernel takes', { pids: { limit: 4_194_304n } }, ['pids.max=4194304']],
  ['pids.limit above that', { pids: { limit: big } }, ['pids.max?=max']],
  ['blockIO.weight', { blockIO: { weight: 500 } }, ['io.weight=4950']],
  ['blockIO.weight with bfq', { blockIO: { weight: 500 } }, ['io.bfq.weight=500'], bfq],
  ['blockIO.weight 0', { blockIO: { weight: 0 } }, []],
  ['blockIO.weightDevice', { blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 10 }] } }, ['io.weight=8:0 1']],
  ['blockIO.weightDevice with bfq', { blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 10 }] } }, ['io.bfq.weight=8:0 10'], bfq],
  [
    'blockIO.throttle*',
    {
      blockIO: {
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 4n }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3n }],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2n ** 64n - 1n }],
        throttleReadBpsDevice: [
          { major: 8, minor: 0, rate: 1n },
          { major: 8, minor: 16, rate: 0n },
        ],
      },
    },
    ['io.max=8:0 rbps=1', 'io.max?=8:16 rbps=max', `io.max=8:0 wbps=${2n ** 64n - 1n}`, 'io.max=8:0 riops=3', 'io.max=8:0 wiops=4'],
  ],
  [
    'hugepageLimits',
    { hugepageLimits: [{ pageSize: '2MB', limit: 4194304n }] },
    ['hugetlb.2MB.max=4194304', 'hugetlb.2MB.rsvd.max?=4194304'],
  ],
  [
    'rdma',
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaObjects: 0 } } },
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=mlx4_0 hca_object=0'],
  ],
  [
    'unified',
    { unified: { 'memory.high': '1073741824', 'io.max': '8:0 rbps=1\n8:16 rbps=2' } },
    ['memory.high=1073741824', 'io.max=8:0 rbps=1\n8:16 rbps=2'],
  ],
  [
    'unified with uppercase and without a controller',
    { unified: { 'hugetlb.1GB.max': '0', 'cgroup.max.depth': '3' } },
    ['hugetlb.1GB.max=0', 'cgroup.max.depth=3'],
  ],
  [
    'all at once, in the order of runc, unified last',
    {
      unified: { 'pids.max': '9' },
      hugepageLimits: [{ pageSize: '2MB', limit: 0n }],
      rdma: { x: { hcaHandles: 1 } },
      cpu: { cpus: '0', shares: 2n },
      blockIO: { weight: 10 },
      memory: { limit: 1n },
      pids: { limit: 1n },
    },
    [
      'pids.max=1',
      'memory.max=1',
      'io.weight=1',
      'cpu.weight=1',
      'cpuset.cpus=0',
      'hugetlb.2MB.max=0',
      'hugetlb.2MB.rsvd.max?=0',
      'rdma.max=x hca_handle=1',
      'pids.max=9',
    ],
  ],
];

for (const [title, resources, expected, host] of table) {
  test(`resources: ${title}`, (t) => {
    t.deepEqual(filesOf(resources, host), [...expected]);
  });
}

test('each setting names its controller and its place in config.json', (t) => {
  const settings = resourceSettings(
    {
      memory: { limit: 5n, swap: 7n, reservation: 2n },
      cpu: { quota: 5000n, cpus: '0' },
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1n }] },
      hugepageLimits: [{ pageSize: '2MB', limit: 1n }],
      rdma: { 'a/b': { hcaHandles: 1 } },
      unified: { 'cgroup.max.depth': '1', 'misc.max': 'x 1' },
    },
    cost,
  );
  t.deepEqual(
    settings.map(({ controller, pointer }) => `${controller} ${pointer}`),
    [
      'memory /linux/resources/memory/swap',
      'memory /linux/resources/memory/limit',
      'memory /linux/resources/memory/reservation',
      'io /linux/resources/blockIO/throttleReadBpsDevice/0',
      'cpu /linux/resources/cpu/quota',
      'cpuset /linux/resources/cpu/cpus',
      'hugetlb /linux/resources/hugepageLimits/0',
      'hugetlb /linux/resources/hugepageLimits/0',
      'rdma /linux/resources/rdma/a~1b',
      'null /linux/resources/unified/cgroup.max.depth',
      'misc /linux/resources/unified/misc.max',
    ],
  );
});

test('the host is asked for weights only when one is given', (t) => {
  const host = {
    get ioWeightFiles(): readonly string[] {
      throw new Error('asked');
    },
  };
  t.notThrows(() => resourceSettings({ blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1n }] } }, host));
  t.throws(() => resourceSettings({ blockIO: { weight: 10 } }, host), { message: 'asked' });
});

test('shares meet the weights that systemd, runc and crun agree on', (t) => {
  const pairs = [
    [0n, 1],
    [1n, 1],
    [2n, 1],
    [3n, 2],
    [512n, 59],
    [1024n, 100],
    [2048n, 174],
    [262_143n, 10_000],
    [262_144n, 10_000],
    [2n ** 64n - 1n, 10_000],
  ] as const;
  for (const [shares, weight] of pairs) t.is(sharesToWeight(shares), weight, String(shares));
});

test('more shares are never less weight, and every weight is one that the kernel takes', (t) => {
  fc.assert(
    fc.property(fc.bigInt(1n, 300_000n), fc.bigInt(0n, 1000n), (shares, more) => {
      const [low, high] = [sharesToWeight(shares), sharesToWeight(shares + more)];
      return low <= high && low >= 1 && high <= 10_000 && Number.isInteger(low);
    }),
  );
  t.deepEqual([10, 11, 500, 1000].map(toIoWeight), [1, 11, 4950, 10_000]);
});

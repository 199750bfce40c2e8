import test from 'ava';
import { mergeResources, touchedResources } from '../../runtime/cgroup/merge-resources.ts';
import { updateSettings } from '../../runtime/cgroup/update.ts';
import { checkResources, type Resources } from '../../runtime/config/config.ts';

const host = { ioWeightFiles: ['io.weight'] };

interface Outcome {
  readonly resources: Resources;
  /** "file=value" in the order of writing. */
  readonly writes: readonly string[];
  readonly problems: readonly string[];
}

function update(saved: Resources, change: Readonly<Record<string, unknown>>): Outcome {
  const { resources, problems } = checkResources(mergeResources(saved, change));
  const settings = updateSettings(touchedResources(resources, change), saved, host);
  return { resources, writes: settings.map(({ file, value }) => `${file}=${value}`), problems: problems.map(({ pointer }) => pointer) };
}

test('what a change does not touch is neither written nor lost', (t) => {
  const saved: Resources = { pids: { limit: 10n }, unified: { 'memory.high': '5' } };
  const { resources, writes } = update(saved, { unified: { 'memory.low': '1' } });
  t.deepEqual(resources, { pids: { limit: 10n }, unified: { 'memory.high': '5', 'memory.low': '1' } });
  t.deepEqual(writes, ['memory.low=1']);
});

test('a memory limit of -1 takes the limit of swap away too, unless one is given', (t) => {
  const saved: Resources = { memory: { limit: 1000n, swap: 2000n } };
  t.deepEqual(update(saved, { memory: { limit: -1 } }).writes, ['memory.swap.max=max', 'memory.max=max']);
  t.deepEqual(update(saved, { memory: { limit: -1n, swap: 3000n } }).writes, ['memory.swap.max=3000', 'memory.max=max']);
});

test('a limit above the saved sum of memory and swap is refused at swap; 0 leaves a value as it is', (t) => {
  const saved: Resources = { memory: { limit: 1000n, swap: 2000n } };
  t.deepEqual(update(saved, { memory: { limit: 3000 } }).problems, ['/linux/resources/memory/swap']);
  t.deepEqual(update(saved, { memory: { limit: 1500, swap: 0 } }).writes, ['memory.swap.max=500', 'memory.max=1500']);
  t.deepEqual(update(saved, { memory: { swap: 2500 } }).writes, ['memory.swap.max=1500', 'memory.max=1000']);
});

test('quota and period each keep the other', (t) => {
  const saved: Resources = { cpu: { quota: 5000n, period: 10_000n } };
  t.deepEqual(update(saved, { cpu: { quota: 7000 } }).writes, ['cpu.max=7000 10000']);
  t.deepEqual(update(saved, { cpu: { period: 20_000 } }).writes, ['cpu.max=5000 20000']);
  t.deepEqual(update(saved, { cpu: { quota: -1, period: 0 } }).writes, ['cpu.max=max 10000']);
});

test('a burst that falls is written before the quota, one that rises after it, and 0 ends it', (t) => {
  const saved: Resources = { cpu: { quota: 5000n, period: 10_000n, burst: 4000n } };
  t.deepEqual(update(saved, { cpu: { quota: 2000, burst: 1000 } }).writes, ['cpu.max.burst=1000', 'cpu.max=2000 10000']);
  t.deepEqual(update(saved, { cpu: { quota: 9000, burst: 8000 } }).writes, ['cpu.max=9000 10000', 'cpu.max.burst=8000']);
  t.deepEqual(update(saved, { cpu: { burst: 0 } }).writes, ['cpu.max.burst=0', 'cpu.max=5000 10000']);
  t.deepEqual(update(saved, { cpu: { quota: 2000 } }).problems, ['/linux/resources/cpu/burst']);
});

test('idle without shares forgets the saved shares, which the kernel would refuse', (t) => {
  const { resources, writes } = update({ cpu: { shares: 2048n } }, { cpu: { idle: 1 } });
  t.deepEqual(resources.cpu, { idle: 1 });
  t.deepEqual(writes, ['cpu.idle=1']);
  t.deepEqual(update({ cpu: { idle: 1 } }, { cpu: { idle: 0, shares: 1024 } }).writes, ['cpu.idle=0', 'cpu.weight=100']);
});

test('devices of block I/O are exchanged one by one, and only those that change are written', (t) => {
  const saved: Resources = {
    blockIO: {
      weight: 100,
      throttleReadBpsDevice: [
        { major: 8, minor: 0, rate: 1n },
        { major: 8, minor: 16, rate: 2n },
      ],
    },
  };
  const { resources, writes } = update(saved, { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 16, rate: 9 }] } });
  t.deepEqual(resources.blockIO, {
    weight: 100,
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 1n },
      { major: 8, minor: 16, rate: 9n },
    ],
  });
  t.deepEqual(writes, ['io.max=8:16 rbps=9']);
});

test('huge pages by size, RDMA by device, pids', (t) => {
  const saved: Resources = {
    hugepageLimits: [{ pageSize: '2MB', limit: 1n }],
    rdma: { mlx: { hcaHandles: 1, hcaObjects: 2 } },
    pids: { limit: 5n },
  };
  const change = { hugepageLimits: [{ pageSize: '1GB', limit: 3 }], rdma: { mlx: { hcaHandles: 7 } }, pids: { limit: 6 } };
  const { resources, writes } = update(saved, change);
  t.deepEqual(
    resources.hugepageLimits?.map(({ pageSize }) => pageSize),
    ['2MB', '1GB'],
  );
  t.deepEqual(writes, ['pids.max=6', 'hugetlb.1GB.max=3', 'hugetlb.1GB.rsvd.max=3', 'rdma.max=mlx hca_handle=7 hca_object=2']);
});

test('device rules are never changed', (t) => {
  const saved: Resources = { devices: [{ allow: false, access: 'rwm' }] };
  t.deepEqual(update(saved, { devices: [{ allow: true, access: 'rwm' }] }), { resources: saved, writes: [], problems: [] });
});

test('what is no section is refused by its place', (t) => {
  t.deepEqual(update({}, { memory: 5 }).problems, ['/linux/resources/memory']);
  t.deepEqual(update({}, { hugepageLimits: 'x' }).problems, ['/linux/resources/hugepageLimits']);
  t.deepEqual(update({}, { pids: { limit: 'many' } }).problems, ['/linux/resources/pids/limit']);
});

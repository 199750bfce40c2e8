import { accepts, refuses, warns } from '../support/config-cases.ts';

const at = '/linux/resources';
type Entry = Readonly<Record<string, unknown>>;
const memory = (entry: Entry): Entry => ({ [`${at}/memory`]: entry });
const cpu = (entry: Entry): Entry => ({ [`${at}/cpu`]: entry });
const blockIo = (entry: Entry): Entry => ({ [`${at}/blockIO`]: entry });
const rule = (entry: Entry): Entry => ({ [`${at}/devices`]: [{ allow: true, access: 'rwm', ...entry }] });

// ── devices ──
accepts('a rule for all devices', rule({ type: 'a' }));
accepts('-1 as all numbers', rule({ type: 'c', major: -1, minor: -1 }));
accepts('an empty type as all types', rule({ type: '' }));
refuses('a rule without allow', rule({ allow: undefined }), `E_CONFIG ${at}/devices/0/allow`);
refuses('a rule without access', rule({ access: undefined }), `E_CONFIG ${at}/devices/0/access`);
refuses('an empty access', rule({ access: '' }), `E_CONFIG ${at}/devices/0/access`);
refuses('an unknown access', rule({ access: 'rx' }), `E_CONFIG ${at}/devices/0/access`);
refuses('a rule of type p', rule({ type: 'p' }), `E_CONFIG ${at}/devices/0/type`);
refuses('a rule for a major number beyond dev_t', rule({ type: 'c', major: 4096 }), `E_CONFIG ${at}/devices/0/major`);

// ── memory ──
accepts('memory limits beyond 2^53', memory({ limit: 9223372036854775807n, swap: -1, reservation: 0 }));
accepts(
  'what engines write for "not set"',
  memory({ disableOOMKiller: false, useHierarchy: true, kernel: 0, kernelTCP: -1, checkBeforeUpdate: true }),
);
refuses('a memory limit below -1', memory({ limit: -2 }), `E_CONFIG ${at}/memory/limit`);
refuses('a memory limit beyond int64', memory({ limit: 9223372036854775808n }), `E_CONFIG ${at}/memory/limit`);
refuses('a memory limit with a unit', memory({ limit: '512m' }), `E_CONFIG ${at}/memory/limit`);
refuses('a memory limit with a fraction', memory({ limit: 1.5 }), `E_CONFIG ${at}/memory/limit`);
refuses('swap without a limit', memory({ swap: 100 }), `E_CONFIG ${at}/memory/swap`);
refuses('swap below the limit', memory({ limit: 101, swap: 100 }), `E_CONFIG ${at}/memory/swap`);
accepts('swap equal to the limit', memory({ limit: 100, swap: 100 }));
accepts('swap with an unlimited memory', memory({ limit: -1, swap: 100 }));
refuses('swappiness, which cgroup v2 lacks,', memory({ swappiness: 0 }), `E_CONFIG ${at}/memory/swappiness`);
refuses('a swappiness of 101', memory({ swappiness: 101 }), `E_CONFIG ${at}/memory/swappiness`);
refuses('switching the OOM killer off', memory({ disableOOMKiller: true }), `E_CONFIG ${at}/memory/disableOOMKiller`);
refuses('flat accounting', memory({ useHierarchy: false }), `E_CONFIG ${at}/memory/useHierarchy`);
warns('a limit of kernel memory', memory({ kernel: 1, kernelTCP: 1 }), `E_CONFIG ${at}/memory/kernel`, `E_CONFIG ${at}/memory/kernelTCP`);

// ── cpu ──
accepts('cpu with everything', cpu({ shares: 1024, quota: 50000, period: 100000, burst: 50000, cpus: '0-3,7', mems: '0', idle: 0 }));
accepts(
  'cpu with what engines write for "not set"',
  cpu({ shares: 0, quota: 0, period: 0, cpus: '', mems: '', realtimeRuntime: 0, realtimePeriod: 0 }),
);
accepts('an unlimited quota with a burst', cpu({ quota: -1, burst: 1 }));
refuses('a burst above the quota', cpu({ quota: 1000, burst: 1001 }), `E_CONFIG ${at}/cpu/burst`);
refuses('a quota below a millisecond', cpu({ quota: 999 }), `E_CONFIG ${at}/cpu/quota`);
refuses('a period below a millisecond', cpu({ period: 999 }), `E_CONFIG ${at}/cpu/period`);
refuses('a period above a second', cpu({ period: 1_000_001 }), `E_CONFIG ${at}/cpu/period`);
refuses(
  'realtime limits, which cgroup v2 lacks,',
  cpu({ realtimeRuntime: 1, realtimePeriod: 1 }),
  `E_CONFIG ${at}/cpu/realtimeRuntime`,
  `E_CONFIG ${at}/cpu/realtimePeriod`,
);
refuses('an idle of 2', cpu({ idle: 2 }), `E_CONFIG ${at}/cpu/idle`);
refuses('negative shares', cpu({ shares: -1 }), `E_CONFIG ${at}/cpu/shares`);
refuses('cpus that are no list', cpu({ cpus: 'all' }), `E_CONFIG ${at}/cpu/cpus`);
refuses('mems with a newline', cpu({ mems: '0\n1' }), `E_CONFIG ${at}/cpu/mems`);

// ── pids ──
for (const limit of [-1, 0, 1, 9223372036854775807n]) accepts(`a pids limit of ${limit}`, { [`${at}/pids`]: { limit } });
accepts('pids without a limit', { [`${at}/pids`]: {} });
refuses('a pids limit of -2', { [`${at}/pids/limit`]: -2 }, `E_CONFIG ${at}/pids/limit`);

// ── block I/O ──
const sda = { major: 8, minor: 0 };
accepts(
  'block I/O with everything',
  blockIo({
    weight: 10,
    leafWeight: 0,
    weightDevice: [{ ...sda, weight: 1000 }],
    throttleReadBpsDevice: [{ ...sda, rate: 18446744073709551615n }],
    throttleWriteBpsDevice: [{ ...sda, rate: 1 }],
    throttleReadIOPSDevice: [{ ...sda, rate: 1 }],
    throttleWriteIOPSDevice: [{ ...sda, rate: 1 }],
  }),
);
accepts('a weight of 0, which is none,', blockIo({ weight: 0 }));
refuses('a weight of 9', blockIo({ weight: 9 }), `E_CONFIG ${at}/blockIO/weight`);
refuses('a weight of 1001', blockIo({ weight: 1001 }), `E_CONFIG ${at}/blockIO/weight`);
refuses('a weight beyond 16 bits', blockIo({ weight: 65536 }), `E_CONFIG ${at}/blockIO/weight`);
refuses('a leaf weight, which cgroup v2 lacks,', blockIo({ leafWeight: 10 }), `E_CONFIG ${at}/blockIO/leafWeight`);
refuses('a device weight without a weight', blockIo({ weightDevice: [sda] }), `E_CONFIG ${at}/blockIO/weightDevice/0`);
refuses(
  "a device's leaf weight",
  blockIo({ weightDevice: [{ ...sda, leafWeight: 10 }] }),
  `E_CONFIG ${at}/blockIO/weightDevice/0/leafWeight`,
);
refuses('a throttle without a rate', blockIo({ throttleReadBpsDevice: [sda] }), `E_CONFIG ${at}/blockIO/throttleReadBpsDevice/0/rate`);
refuses(
  'a throttle without a device',
  blockIo({ throttleReadIOPSDevice: [{ major: 8, rate: 1 }] }),
  `E_CONFIG ${at}/blockIO/throttleReadIOPSDevice/0/minor`,
);

// ── the rest ──
accepts('limits of huge pages', {
  [`${at}/hugepageLimits`]: [
    { pageSize: '64KB', limit: 0 },
    { pageSize: '1GB', limit: 18446744073709551615n },
  ],
});
for (const pageSize of ['2M', '2mb', '0KB', 'MB', '2MB/../x']) {
  refuses(`the page size ${pageSize}`, { [`${at}/hugepageLimits`]: [{ pageSize, limit: 0 }] }, `E_CONFIG ${at}/hugepageLimits/0/pageSize`);
}
refuses('a class of network packets, which cgroup v2 lacks,', { [`${at}/network`]: { classID: 1 } }, `E_CONFIG ${at}/network/classID`);
refuses(
  'network priorities, which cgroup v2 lacks,',
  { [`${at}/network`]: { priorities: [{ name: 'eth0', priority: 1 }] } },
  `E_CONFIG ${at}/network/priorities`,
);
accepts('an empty network', { [`${at}/network`]: { priorities: [] } });
accepts('limits of RDMA', { [`${at}/rdma`]: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, rxe3: { hcaObjects: 0 } } });
refuses('an RDMA device without limits', { [`${at}/rdma`]: { mlx5_1: {} } }, `E_CONFIG ${at}/rdma/mlx5_1`);
refuses('an RDMA device with a space in its name', { [`${at}/rdma`]: { 'a b': { hcaHandles: 1 } } }, `E_CONFIG ${at}/rdma/a b`);
accepts('files of the cgroup', {
  [`${at}/unified`]: { 'memory.high': '1', 'hugetlb.1GB.max': 'max', 'io.max': '8:0 rbps=1\n8:16 rbps=1' },
});
for (const [key, pointer] of [
  ['../memory.high', '..~1memory.high'],
  ['x/memory.high', 'x~1memory.high'],
  ['..', '..'],
  ['', ''],
  ['memory', 'memory'],
] as const) {
  refuses(`the cgroup file ${JSON.stringify(key)}`, { [`${at}/unified`]: { [key]: '1' } }, `E_CONFIG ${at}/unified/${pointer}`);
}
refuses('a value of a cgroup file that is a number', { [`${at}/unified`]: { 'memory.high': 1 } }, `E_CONFIG ${at}/unified/memory.high`);

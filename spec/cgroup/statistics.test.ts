import test from 'ava';
import { readStatistics, type StatisticsSource } from '../../runtime/cgroup/statistics.ts';
import { stringifyPrecisely } from '../../runtime/config/stringify.ts';

const unlimited = 2n ** 64n - 1n;

function statistics(
  files: Readonly<Record<string, string>>,
  more: Partial<StatisticsSource> = {},
): Record<string, Record<string, unknown>> {
  const read = (name: string) => files[name] ?? null;
  return readStatistics({ read, processes: 3, hugepageSizes: [], ...more }) as unknown as Record<string, Record<string, unknown>>;
}

test('CPU time is in nanoseconds, with throttling where there is a quota', (t) => {
  const stat = 'usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 5\nnr_throttled 2\nthrottled_usec 7\n';
  t.deepEqual(statistics({ 'cpu.stat': stat }).cpu, {
    usage: { total: 3_000_000n, kernel: 1_000_000n, user: 2_000_000n },
    throttling: { periods: 5n, throttledPeriods: 2n, throttledTime: 7000n },
  });
});

test('memory: cache, anon, file, working set and events stand apart, swap counts memory too', (t) => {
  const { memory } = statistics({
    'memory.current': '1000\n',
    'memory.peak': '1500\n',
    'memory.max': '2000\n',
    'memory.swap.current': '10\n',
    'memory.swap.max': '50\n',
    'memory.stat': 'anon 300\nfile 600\nkernel 90\nsock 5\ninactive_file 400\n',
    'memory.events': 'low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\n',
  });
  t.like(memory, {
    cache: 600n,
    usage: { limit: 2000n, usage: 1000n, max: 1500n, failcnt: 4n },
    swap: { limit: 2050n, usage: 1010n, failcnt: 0n },
    kernel: { limit: unlimited, usage: 90n, failcnt: 0n },
    current: 1000n,
    anon: 300n,
    file: 600n,
    inactiveFile: 400n,
    workingSet: 600n,
    events: { low: 0n, high: 0n, max: 4n, oom: 2n, oom_kill: 1n },
  });
  t.like(memory?.raw, { inactive_file: 400n });
});

test('no limit of memory is 2^64 - 1, also together with swap, and keeps its digits in JSON', (t) => {
  const files = { 'memory.current': '1\n', 'memory.max': 'max\n', 'memory.swap.current': '0\n', 'memory.swap.max': '5\n' };
  const { memory } = statistics(files);
  t.like(memory, { usage: { limit: unlimited }, swap: { limit: unlimited } });
  t.regex(stringifyPrecisely(memory), /"limit":18446744073709551615[,}]/);
});

test('the working set is never negative', (t) => {
  t.is(statistics({ 'memory.current': '5\n', 'memory.stat': 'inactive_file 9\n' }).memory?.workingSet, 0n);
});

test('block I/O is a list for each operation and device; unknown keys are passed over', (t) => {
  const stat = '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n8:16 rbytes=9\nnonsense\n';
  t.deepEqual(statistics({ 'io.stat': stat }).blkio, {
    ioServiceBytesRecursive: [
      { major: 8, minor: 0, op: 'Read', value: 1n },
      { major: 8, minor: 0, op: 'Write', value: 2n },
      { major: 8, minor: 0, op: 'Discard', value: 5n },
      { major: 8, minor: 16, op: 'Read', value: 9n },
    ],
    ioServicedRecursive: [
      { major: 8, minor: 0, op: 'Read', value: 3n },
      { major: 8, minor: 0, op: 'Write', value: 4n },
      { major: 8, minor: 0, op: 'Discard', value: 6n },
    ],
  });
});

test('pids: current and limit, 0 for none; without the controller the processes are counted', (t) => {
  const files = { 'pids.current': '7\n', 'pids.max': '100\n', 'pids.events': 'max 2\n' };
  t.deepEqual(statistics(files).pids, { current: 7n, limit: 100n, events: { max: 2n } });
  t.deepEqual(statistics({ ...files, 'pids.max': 'max\n' }).pids, { current: 7n, limit: 0n, events: { max: 2n } });
  t.deepEqual(statistics({}).pids, { current: 3n, limit: 0n });
});

test('pressure is numbers, huge pages are by size, the cpuset is a list', (t) => {
  const line = (kind: string) => `${kind} avg10=1.50 avg60=0.00 avg300=0.25 total=12345\n`;
  const psi = { avg10: 1.5, avg60: 0, avg300: 0.25, total: 12345n };
  const found = statistics(
    {
      'memory.pressure': line('some') + line('full'),
      'hugetlb.2MB.current': '4\n',
      'hugetlb.2MB.events': 'max 1\n',
      'cpuset.cpus.effective': '0-2,7\n',
      'cpuset.mems.effective': '0\n',
    },
    { hugepageSizes: ['2MB', '1GB'] },
  );
  t.deepEqual(found.memory?.psi, { some: psi, full: psi });
  t.deepEqual(found.hugetlb, { '2MB': { usage: 4n, failcnt: 1n } });
  t.deepEqual(found.cpuset, { cpus: [0, 1, 2, 7], mems: [0] });
});

test('what the host does not tell is left out, not guessed: an empty cgroup has every section all the same', (t) => {
  t.deepEqual(statistics({}), {
    cpu: { usage: {}, throttling: {} },
    cpuset: {},
    memory: {},
    pids: { current: 3n, limit: 0n },
    blkio: {},
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  } as never);
});

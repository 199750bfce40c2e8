// Files of a cgroup → what `events` shows: runc's shape (types/events), less what cgroup v2 does not tell. Nanoseconds and bytes.
// Values are bigints: counters run beyond 2^53, and "no limit" is 2^64 - 1 as runc prints it.

/** The text of a file of the cgroup by its name; null where the controller, or the kernel, has none. */
export type ReadFile = (name: string) => string | null;

export interface StatisticsSource {
  readonly read: ReadFile;
  /** How many processes are in it and below, for hosts without the pids controller. */
  readonly processes: number;
  /** Sizes of huge pages, such as 2MB. */
  readonly hugepageSizes: readonly string[];
}

export interface Statistics {
  readonly cpu: unknown;
  readonly cpuset: unknown;
  readonly memory: unknown;
  readonly pids: unknown;
  readonly blkio: unknown;
  readonly hugetlb: unknown;
  readonly intel_rdt: unknown;
  readonly network_interfaces: null;
}

/** What is known is there, a zero too; what cannot be known is left out and never guessed. */
export function readStatistics({ read, processes, hugepageSizes }: StatisticsSource): Statistics {
  return {
    cpu: cpuStatistics(read),
    cpuset: defined({ cpus: listOf(read('cpuset.cpus.effective')), mems: listOf(read('cpuset.mems.effective')) }),
    memory: memoryStatistics(read),
    pids: pidsStatistics(read, processes),
    blkio: blockStatistics(read),
    hugetlb: Object.fromEntries(hugepageSizes.flatMap((size) => hugepages(read, size))),
    intel_rdt: {},
    network_interfaces: null,
  };
}

const microsecond = 1000n;
const noLimit = 2n ** 64n - 1n;

function cpuStatistics(read: ReadFile): unknown {
  const stat = keyed(read('cpu.stat'));
  const time = (key: string) => scale(stat.get(key), microsecond);
  return defined({
    usage: defined({ total: time('usage_usec'), kernel: time('system_usec'), user: time('user_usec') }),
    throttling: defined({
      periods: stat.get('nr_periods'),
      throttledPeriods: stat.get('nr_throttled'),
      throttledTime: time('throttled_usec'),
    }),
    psi: pressure(read('cpu.pressure')),
  });
}

/**
 * `cache`, `usage`, `swap` (memory and swap together), `raw` as runc has them. Beyond that what people mix up stands apart:
 * `current`, `anon`, `file`, `inactiveFile`, `workingSet` (current less inactive_file, what cannot be had back at once), `events`.
 */
function memoryStatistics(read: ReadFile): unknown {
  const stat = keyed(read('memory.stat'));
  const events = keyed(read('memory.events'));
  const [current, peak, limit] = [numberIn(read('memory.current')), numberIn(read('memory.peak')), limitIn(read('memory.max'))];
  const inactive = stat.get('inactive_file');
  const failures = events.get('max');
  return defined({
    cache: stat.get('file'),
    usage: current === undefined ? undefined : defined({ limit, usage: current, max: peak, failcnt: failures ?? 0n }),
    swap: current === undefined ? undefined : swapStatistics(read, { current, limit }),
    kernel: stat.has('kernel') ? { limit: noLimit, usage: stat.get('kernel'), failcnt: 0n } : undefined,
    kernelTCP: stat.has('sock') ? { limit: noLimit, usage: stat.get('sock'), failcnt: 0n } : undefined,
    raw: stat.size === 0 ? undefined : Object.fromEntries(stat),
    psi: pressure(read('memory.pressure')),
    current,
    anon: stat.get('anon'),
    file: stat.get('file'),
    inactiveFile: inactive,
    workingSet: current === undefined || inactive === undefined ? undefined : current > inactive ? current - inactive : 0n,
    events: events.size === 0 ? undefined : Object.fromEntries(events),
  });
}

function swapStatistics(read: ReadFile, memory: { readonly current: bigint; readonly limit: bigint | undefined }): unknown {
  const [used, limit] = [numberIn(read('memory.swap.current')), limitIn(read('memory.swap.max'))];
  if (used === undefined) return undefined;
  const together = limit === undefined || memory.limit === undefined ? undefined : add(limit, memory.limit);
  return defined({ limit: together, usage: used + memory.current, failcnt: keyed(read('memory.swap.events')).get('fail') ?? 0n });
}

// Without a limit runc leaves it at 0. Processes are fewer than tasks, but all that can be counted without the controller.
function pidsStatistics(read: ReadFile, processes: number): unknown {
  const limit = limitIn(read('pids.max'));
  const hits = keyed(read('pids.events')).get('max');
  return defined({
    current: numberIn(read('pids.current')) ?? BigInt(processes),
    limit: limit === undefined || limit === noLimit ? 0n : limit,
    events: hits === undefined ? undefined : { max: hits },
  });
}

const ioKeys: Readonly<Record<string, readonly [list: string, op: string]>> = {
  rbytes: ['ioServiceBytesRecursive', 'Read'],
  wbytes: ['ioServiceBytesRecursive', 'Write'],
  dbytes: ['ioServiceBytesRecursive', 'Discard'],
  rios: ['ioServicedRecursive', 'Read'],
  wios: ['ioServicedRecursive', 'Write'],
  dios: ['ioServicedRecursive', 'Discard'],
};

function blockStatistics(read: ReadFile): unknown {
  const lists: Record<string, unknown[]> = {};
  for (const line of linesOf(read('io.stat'))) {
    const [device = '', ...pairs] = line.split(' ');
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    if (major === undefined || minor === undefined) continue;
    for (const pair of pairs) {
      const [key = '', value = ''] = pair.split('=');
      const [list, op] = ioKeys[key] ?? [];
      if (list === undefined || !/^\d+$/.test(value)) continue;
      lists[list] = [...(lists[list] ?? []), { major: Number(major), minor: Number(minor), op, value: BigInt(value) }];
    }
  }
  return defined({ ...lists, psi: pressure(read('io.pressure')) });
}

function hugepages(read: ReadFile, size: string): [string, unknown][] {
  const usage = numberIn(read(`hugetlb.${size}.current`));
  if (usage === undefined) return [];
  return [[size, { usage, failcnt: keyed(read(`hugetlb.${size}.events`)).get('max') ?? 0n }]];
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"; a kernel with psi=0 refuses the read.
function pressure(text: string | null): unknown {
  const found = linesOf(text).flatMap((line) => {
    const [, kind, ten, sixty, threeHundred, total] =
      /^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/.exec(line) ?? [];
    if (kind === undefined || total === undefined) return [];
    return [[kind, { avg10: Number(ten), avg60: Number(sixty), avg300: Number(threeHundred), total: BigInt(total) }] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** A flat-keyed file: "key number" lines. */
function keyed(text: string | null): Map<string, bigint> {
  const pairs = linesOf(text).map((line) => /^(\S+) (\d+)$/.exec(line));
  return new Map(pairs.flatMap((match) => (match === null ? [] : [[match[1] ?? '', BigInt(match[2] ?? 0)] as const])));
}

/** cpuset.cpus.effective, "0-3,7" → [0, 1, 2, 3, 7]. */
function listOf(text: string | null): number[] | undefined {
  if (text === null) return undefined;
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
      if (first === undefined || Number(last) - Number(first) > 8192) return [];
      return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
    });
}

function numberIn(text: string | null): bigint | undefined {
  return text !== null && /^\d+\n?$/.test(text) ? BigInt(text.trim()) : undefined;
}

function limitIn(text: string | null): bigint | undefined {
  return text?.trim() === 'max' ? noLimit : numberIn(text);
}

function add(a: bigint, b: bigint): bigint {
  return a === noLimit || b === noLimit ? noLimit : a + b;
}

function scale(value: bigint | undefined, by: bigint): bigint | undefined {
  return value === undefined ? undefined : value * by;
}

function linesOf(text: string | null): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

function defined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

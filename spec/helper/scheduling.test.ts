import { readFile } from 'node:fs/promises';
import test from 'ava';
import { probeSettings, runSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const status = await readFile('/proc/self/status', 'utf8');
const effective = BigInt(`0x${/CapEff:\t([0-9a-f]+)/.exec(status)?.[1] ?? '0'}`);
const canNice = ((effective >> 23n) & 1n) === 1n;
const canResource = ((effective >> 24n) & 1n) === 1n;

test('a policy with its nice value is set, and one of real time with its priority', async (t) => {
  if (skipUnless(t, 'CAP_SYS_NICE', canNice)) return;
  const batch = await probeSettings({ process: { scheduler: { policy: 'SCHED_BATCH', nice: -3, flags: ['SCHED_FLAG_RESET_ON_FORK'] } } });
  t.like(batch.scheduler, { policy: 3, nice: -3, flags: '1' });
  const real = await probeSettings({ process: { scheduler: { policy: 'SCHED_RR', priority: 5 } } });
  t.like(real.scheduler, { policy: 2, priority: 5 });
});

test('SCHED_DEADLINE has its times in nanoseconds', async (t) => {
  if (skipUnless(t, 'CAP_SYS_NICE', canNice)) return;
  const scheduler = { policy: 'SCHED_DEADLINE', runtime: 1_000_000n, deadline: 10_000_000n, period: 20_000_000n } as const;
  const { stdout, failure } = await runSettings({ process: { scheduler } });
  if (skipUnless(t, 'SCHED_DEADLINE', failure === null)) return;
  t.like(JSON.parse(stdout).scheduler, { policy: 6, runtime: '1000000', deadline: '10000000', period: '20000000' });
});

test('the I/O priority, the execution domain and the memory policy are set', async (t) => {
  const report = await probeSettings({
    process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } },
    linux: { personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_PREFERRED', nodes: '0' } },
  });
  t.is(report.ioPriority, (2 << 13) | 6);
  t.is(report.personality, 8);
  t.regex(report.machine, /^(i686|armv8l)$/);
  t.deepEqual(report.memoryPolicy, { mode: 1, nodes: [0] });
});

test('a memory node that is not there is refused at /linux/memoryPolicy', async (t) => {
  const { failure } = await runSettings({ linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '900' } } });
  t.like(failure, { op: 'setMemoryPolicy', pointer: '/linux/memoryPolicy', syscall: 'set_mempolicy', errno: 22 });
});

test('the caller’s CPU affinity does not bind the container', async (t) => {
  const { affinity = [] } = await probeSettings({});
  if (skipUnless(t, 'two processors', affinity.length > 1)) return;
  t.deepEqual((await probeSettings({}, { wrapper: ['taskset', '-c', '0'] })).affinity, affinity);
});

test('limits are set, also so low that the set-up could not have worked under them', async (t) => {
  const report = await probeSettings({
    process: {
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 3n, hard: 9n },
        { type: 'RLIMIT_CORE', soft: 1n, hard: 2n ** 53n + 1n },
        { type: 'RLIMIT_FSIZE', soft: 0n, hard: 2n ** 64n - 1n },
      ],
    },
  });
  t.deepEqual(report.rlimits['RLIMIT_NOFILE'], { soft: '3', hard: '9' });
  t.deepEqual(report.rlimits['RLIMIT_CORE'], { soft: '1', hard: '9007199254740993' });
  t.deepEqual(report.rlimits['RLIMIT_FSIZE'], { soft: '0', hard: '18446744073709551615' });
});

test('a limit above the caller’s own is refused at its entry, and one by the helper too', async (t) => {
  const raise = { type: 'RLIMIT_NOFILE', soft: 1n, hard: 2n ** 40n } as const;
  for (const user of [false, true]) {
    const linux = user ? { namespaces: [{ type: 'user' as const }], ...identity } : {};
    const { failure } = await runSettings({ linux, process: { rlimits: [{ type: 'RLIMIT_CPU', soft: 9n, hard: 9n }, raise] } });
    t.like(failure, { op: 'setrlimit', pointer: '/process/rlimits/1', syscall: 'prlimit64', errno: 1, detail: 'resource=7' });
  }
});

const identity = {
  uidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
};

test('the OOM score is set, and without oomScoreAdj it stays', async (t) => {
  t.is((await probeSettings({ process: { oomScoreAdj: 321 } })).oomScoreAdj, 321);
  t.is((await probeSettings({}, { wrapper: ['choom', '-n', '77', '--'] })).oomScoreAdj, 77);
});

test('the OOM score can be lowered in a user namespace too', async (t) => {
  if (skipUnless(t, 'CAP_SYS_RESOURCE', canResource)) return;
  const settings = { linux: { namespaces: [{ type: 'user' as const }], ...identity }, process: { oomScoreAdj: -500 } };
  t.is((await probeSettings(settings)).oomScoreAdj, -500);
});

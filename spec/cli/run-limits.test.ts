import { availableParallelism } from 'node:os';
import test from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { all, isRoot, withLinux, withProcess, withUserNamespace } from '../support/change-config.ts';
import { krunBinary, runActions, runBundle, runProbe } from '../support/krun.ts';
import { hasCapability } from '../support/own-capabilities.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const infinity = 2n ** 64n - 1n;

test('resource limits are soft and hard as asked for, also far beyond 2^53', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { rlimits } = await runProbe(
    t,
    withProcess({
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 100n, hard: 200n },
        { type: 'RLIMIT_CORE', soft: 0n, hard: 0n },
        { type: 'RLIMIT_AS', soft: 2n ** 53n + 1n, hard: 2n ** 63n - 1n },
        { type: 'RLIMIT_FSIZE', soft: 2n ** 40n, hard: infinity },
      ],
    }),
  );
  t.deepEqual(rlimits.RLIMIT_NOFILE, { soft: '100', hard: '200' });
  t.deepEqual(rlimits.RLIMIT_CORE, { soft: '0', hard: '0' });
  t.deepEqual(rlimits.RLIMIT_AS, { soft: '9007199254740993', hard: '9223372036854775807' });
  t.deepEqual(rlimits.RLIMIT_FSIZE, { soft: '1099511627776', hard: String(infinity) });
});

test('a limit that is not asked for is that of the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ rlimits: [] }));
  const { stdout } = await execa('sh', [
    '-c',
    'ulimit -n 321; ulimit -c 0; exec "$@"',
    'sh',
    krunBinary,
    'run',
    '-b',
    bundle.path,
    bundle.id,
  ]);
  const { rlimits } = JSON.parse(stdout) as ProbeReport;
  t.is(rlimits.RLIMIT_NOFILE?.soft, '321');
  t.is(rlimits.RLIMIT_CORE?.soft, '0');
});

test('in a user namespace the limits are set all the same', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 64n, hard: 64n }] as const;
  const seen = await runProbe(t, all(withUserNamespace(), withProcess({ rlimits })));
  t.deepEqual(seen.rlimits.RLIMIT_NOFILE, { soft: '64', hard: '64' });
});

test('a hard limit above that of the caller, without CAP_SYS_RESOURCE, is E_PROCESS at its place and says so', async (t) => {
  if (skipUnless(t, 'root without CAP_SYS_RESOURCE', isRoot && !hasCapability('CAP_SYS_RESOURCE'))) return;
  const bundle = await makeBundle(t, withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100n, hard: 1000n }] }));
  const { exitCode, stderr } = await execa(
    'sh',
    ['-c', 'ulimit -n 321; exec "$@"', 'sh', krunBinary, 'run', '-b', bundle.path, bundle.id],
    {
      reject: false,
    },
  );
  t.is(exitCode, 1);
  t.regex(stderr, /RLIMIT_NOFILE: operation not permitted/);
  t.regex(stderr, /at: config\.json#\/process\/rlimits\/0/);
  t.regex(stderr, /CAP_SYS_RESOURCE/);
  t.regex(stderr, /code: E_PROCESS/);
});

test('a hard limit above fs.nr_open is refused at its place', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { status, stderr } = await runBundle(t, withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1n, hard: infinity }] }));
  t.is(status, 1);
  t.regex(stderr, /config\.json#\/process\/rlimits\/0[\s\S]*code: E_PROCESS/);
});

test('a limit too small for the set-up binds the process only', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const rlimits = [{ type: 'RLIMIT_NOFILE', soft: 3n, hard: 3n }] as const;
  const [outcome] = await runActions(t, withProcess({ rlimits }), ['open-device', '/dev/null']);
  t.is(outcome?.errno, 24); // EMFILE
});

test('process.scheduler sets policy, nice value and flags', async (t) => {
  if (skipUnless(t, 'root with CAP_SYS_NICE', isRoot && hasCapability('CAP_SYS_NICE'))) return;
  const batch = await runProbe(t, withProcess({ scheduler: { policy: 'SCHED_BATCH', nice: 5 } }));
  t.like(batch.scheduler, { policy: 3, nice: 5 });
  const idle = await runProbe(t, withProcess({ scheduler: { policy: 'SCHED_IDLE' } }));
  t.like(idle.scheduler, { policy: 5 });
  const other = await runProbe(t, withProcess({ scheduler: { policy: 'SCHED_OTHER', nice: -7, flags: ['SCHED_FLAG_RESET_ON_FORK'] } }));
  t.like(other.scheduler, { policy: 0, nice: -7, flags: '1' });
});

test('process.scheduler sets real-time priorities and deadlines', async (t) => {
  if (skipUnless(t, 'root with CAP_SYS_NICE', isRoot && hasCapability('CAP_SYS_NICE'))) return;
  const fifo = await runProbe(t, withProcess({ scheduler: { policy: 'SCHED_FIFO', priority: 42 } }));
  t.like(fifo.scheduler, { policy: 1, priority: 42 });
  const deadline = { policy: 'SCHED_DEADLINE', runtime: 2_000_000n, deadline: 20_000_000n, period: 40_000_000n } as const;
  const { status, stdout, stderr } = await runBundle(t, withProcess({ scheduler: deadline }));
  if (skipUnless(t, 'SCHED_DEADLINE', status === 0 || !/EBUSY|EPERM|busy/.test(stderr))) return;
  t.is(status, 0, stderr);
  t.like((JSON.parse(stdout) as ProbeReport).scheduler, { policy: 6, runtime: '2000000', deadline: '20000000', period: '40000000' });
});

test('process.ioPriority sets class and priority', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is((await runProbe(t, withProcess({ ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } }))).ioPriority, (2 << 13) | 6);
  t.is((await runProbe(t, withProcess({ ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } }))).ioPriority, 3 << 13);
});

test('the CPU affinity of the caller does not bind the container', async (t) => {
  if (skipUnless(t, 'root and two CPUs', isRoot && availableParallelism() > 1)) return;
  const bundle = await makeBundle(t);
  const { stdout } = await execa('taskset', ['1', krunBinary, 'run', '-b', bundle.path, bundle.id]);
  t.true(((JSON.parse(stdout) as ProbeReport).affinity?.length ?? 0) > 1);
});

test('linux.memoryPolicy sets mode and nodes', async (t) => {
  const { memoryPolicy } = await runProbe(t);
  if (skipUnless(t, 'root and NUMA system calls', isRoot && memoryPolicy !== null)) return;
  const seen = await runProbe(t, withLinux({ memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '0' } }));
  t.deepEqual(seen.memoryPolicy, { mode: 3, nodes: [0] });
});

test('linux.memoryPolicy is refused at its place by a kernel without NUMA', async (t) => {
  const { memoryPolicy } = await runProbe(t);
  if (skipUnless(t, 'root and a kernel without NUMA', isRoot && memoryPolicy === null)) return;
  const { status, stderr } = await runBundle(t, withLinux({ memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '0' } }));
  t.is(status, 1);
  t.regex(stderr, /config\.json#\/linux\/memoryPolicy[\s\S]*ENOSYS[\s\S]*code: E_PROCESS/);
});

test('the process gets no capability from setting what took one', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { capabilities } = await runProbe(t, withProcess({ oomScoreAdj: 10, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 1 } }));
  t.is(capabilities.effective, '0000000020000420');
});

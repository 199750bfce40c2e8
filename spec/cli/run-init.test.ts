import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { defaultConfig } from '../../runtime/config/default.ts';
import { type Bundle, baseConfig, makeBundle } from '../support/bundle.ts';
import {
  all,
  type ConfigChange,
  isRoot,
  withLinux,
  withNamespaces,
  withoutNamespaces,
  withProcess,
  withUserNamespace,
} from '../support/change-config.ts';
import { type KrunResult, krunBinary, removeContainer, runKrun } from '../support/krun.ts';
import { sitDown } from '../support/person.ts';
import type { ProbeReport } from '../support/probe.ts';
import { runApart } from '../support/run-apart.ts';
import { startAgent } from '../support/seccomp-agent.ts';
import { skipUnless } from '../support/skip.ts';

const same: ConfigChange = (config) => config;

test("with --init the container's process is the child of pid 1, and leads a session of its own", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await probeWithInit(t);
  t.deepEqual([seen.pid, seen.ppid, seen.sid, seen.pgid], [2, 1, 2, 2]);
  t.deepEqual([seen.blockedSignals, seen.ignoredSignals, seen.parentDeathSignal, seen.dumpable], [[], [], 0, 1]);
  t.deepEqual(
    seen.descriptors.map(({ fd }) => fd),
    [0, 1, 2],
  );
});

test('with --init the process itself is as without', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const names = ['CAP_KILL', 'CAP_NET_RAW'];
  const change = withProcess({
    user: { uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 0o27 },
    capabilities: { bounding: names, permitted: names, effective: names, inheritable: names, ambient: names },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 77n, hard: 99n }],
    noNewPrivileges: false,
    oomScoreAdj: 321,
    scheduler: { policy: 'SCHED_BATCH', nice: 5 },
    cwd: '/home',
  });
  const [one, other] = [await probe(t, [], change), await probeWithInit(t, change)];
  for (const key of [
    'uid',
    'gid',
    'groups',
    'umask',
    'capabilities',
    'noNewPrivileges',
    'rlimits',
    'oomScoreAdj',
    'scheduler',
    'cwd',
  ] as const)
    t.deepEqual(other[key], one[key], key);
});

test('the status of the process, or 128 and its signal, is that of krun', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is((await run(t, ['/probe', 'exit', '7'])).status, 7);
  t.is((await run(t, ['/bin/sh', '-c', 'kill -9 $$'])).status, 137);
  t.like(await run(t, ['/no/such/program']), { status: 1 });
});

test('a process that fails to start is explained as without', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { stderr } = await run(t, ['/no/such/program']);
  t.regex(stderr, /doing: findProgram/);
  t.regex(stderr, /code: E_NOT_FOUND/);
});

for (const [name, change] of [
  ['as pid 1', same],
  ["in the caller's pid namespace", withoutNamespaces('pid')],
] as const) {
  test(`orphans are adopted and reaped ${name}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const { pid } = await detach(t, ['/bin/sh', '-c', "/bin/sh -c '/bin/sleep 1000 &'; exec /bin/sleep 999"], change);
    await until(async () => (await childrenOf(pid)).length === 2);
    await until(async () => (await commandsOf(pid)).join() === 'sleep 999,sleep 1000');
    process.kill(Number((await childrenOf(pid))[1]), 'SIGKILL');
    await until(async () => (await commandsOf(pid)).join() === 'sleep 999');
    t.regex(await readFile(`/proc/${pid}/comm`, 'latin1'), /^krun-init$/m);
  });
}

for (const signal of [1, 2, 3, 10, 15, 18, 20, 23, 28, 64]) {
  test(`signal ${signal} goes from krun kill to the process`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    const bundle = await prepare(t, ['/probe', 'wait-for-signal', String(signal)]);
    const child = execa(krunBinary, ['run', '--init', '--bundle', bundle.path, bundle.id], { reject: false, stdin: 'ignore' });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    t.is((await runKrun(['kill', bundle.id, String(signal)])).status, 0);
    t.regex(String((await child).stdout), new RegExp(`"signal":${signal}\\b`));
  });
}

test('what the caller of a foreground run is sent, the process is sent', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t, ['/bin/sh', '-c', 'trap "exit 33" TERM; echo ready; while :; do /bin/sleep 0.05; done']);
  const child = execa(krunBinary, ['run', '--init', '--bundle', bundle.path, bundle.id], { reject: false, stdin: 'ignore' });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGTERM');
  t.is((await child).exitCode, 33);
});

test('a process without a handler ends by SIGTERM: it is not pid 1', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const container = await detach(t, ['/bin/sleep', '1000']);
  t.is((await runKrun(['kill', container.bundle.id])).status, 0);
  t.true([143, 255].includes((await runKrun(['wait', container.bundle.id])).status)); // 255: it came too late
});

test('a terminal is that of the process: its Ctrl-C, its job control, its size', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t, ['/bin/sh'], withProcess({ terminal: true }));
  const person = sitDown(t, krunBinary, ['run', '--init', '--bundle', bundle.path, bundle.id], { columns: 91, rows: 17 });
  t.notRegex(await person.see('# '), /job control/);
  person.type('/bin/busybox stty size; /bin/busybox tty\r');
  await person.see('17 91\r\n/dev/pts/0\r\n');
  person.type('echo ready; /bin/sleep 1000\r');
  await person.see('ready\r\n');
  person.type('\x03');
  await person.see('# ');
  person.type('echo status $?\r');
  await person.see('status 130\r\n');
  person.type('/bin/sleep 1000 &\r');
  await person.see('# ');
  person.type('kill %1; echo $(/bin/cat /proc/1/comm) $$; exit 6\r');
  await person.see('krun-init 2\r\n');
  t.like(await person.end, { exitCode: 6 });
});

test('create, start, state, ps, exec and kill work on it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t, ['/bin/sleep', '1000']);
  t.like(await runApart(['create', '--init', '--bundle', bundle.path, bundle.id]), { status: 0, stderr: '' });
  const created = await stateOf(bundle.id);
  t.is(created.status, 'created');
  t.like(await runKrun(['start', bundle.id]), { status: 0, stderr: '' });
  const { status, pid } = await stateOf(bundle.id);
  t.deepEqual([status, pid], ['running', created.pid]);
  t.regex(await readFile(`/proc/${pid}/comm`, 'latin1'), /^krun-init$/m);
  const listed = JSON.parse((await runKrun(['ps', '--format', 'json', bundle.id])).stdout) as number[];
  t.is(listed.length, 2);
  t.true(listed.includes(pid));
  t.like(await runKrun(['exec', bundle.id, '/bin/sh', '-c', 'echo $PPID']), { status: 0, stdout: '0' });
  t.is((await runKrun(['kill', bundle.id, 'KILL'])).status, 0);
  await until(async () => (await stateOf(bundle.id)).status === 'stopped');
  t.is((await runKrun(['delete', bundle.id])).status, 0);
});

test('a created container ends by SIGTERM before it is started', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t, ['/bin/true']);
  await runApart(['create', '--init', '--bundle', bundle.path, bundle.id]);
  t.is((await runKrun(['kill', bundle.id, 'TERM'])).status, 0);
  await until(async () => (await stateOf(bundle.id)).status === 'stopped');
});

for (const [name, change] of Object.entries({
  'another user than root': withProcess({ user: { uid: 1000, gid: 1000 } }),
  'a user namespace': withUserNamespace(),
  'a user namespace, limits and another user': all(
    withUserNamespace(),
    withProcess({ user: { uid: 5, gid: 5 }, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 3n, hard: 3n }] }),
  ),
  'no /proc': (config) => ({ ...config, mounts: (config.mounts ?? []).filter(({ destination }) => destination !== '/proc') }),
  'a limit of three descriptors': withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 3n, hard: 3n }] }),
  SCHED_FIFO: withProcess({ scheduler: { policy: 'SCHED_FIFO', priority: 1 } }),
  'no capabilities at all': withProcess({ capabilities: {} }),
  'a time namespace with offsets': all(
    withNamespaces({ type: 'time' }),
    withLinux({ timeOffsets: { boottime: { secs: 1000n, nanosecs: 0 } } }),
  ),
  "the caller's network and pid namespaces": withoutNamespaces('network', 'pid'),
  'a seccomp filter that pid 1 could not live with': withLinux({
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['wait4', 'waitid', 'kill', 'rt_sigtimedwait', 'execveat', 'close_range'], action: 'SCMP_ACT_KILL_PROCESS' }],
    },
  }),
} satisfies Record<string, ConfigChange>)) {
  test(`--init works with ${name}`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    t.like(await run(t, ['/probe', 'exit', '9'], change), { status: 9, stderr: '' });
  });
}

test('a startContainer hook is told the pid of the container, not of the child', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const hook = { path: '/bin/sh', args: ['sh', '-c', 'cat >&2'], env: ['PATH=/bin'] };
  const write = { ...hook, args: ['sh', '-c', 'cat > /tmp/state'] };
  const bundle = await prepare(t, ['/bin/cat', '/tmp/state'], (config) => ({
    ...config,
    root: { path: 'rootfs', readonly: false },
    hooks: { startContainer: [write] },
  }));
  const { stdout } = await runKrun(['run', '--init', '--bundle', bundle.path, bundle.id]);
  t.is((JSON.parse(stdout) as { pid: number }).pid, 1);
});

test('an agent of SCMP_ACT_NOTIFY gets the listener of the process, and pid 1 never waits for it', async (t) => {
  if (skipUnless(t, 'root on x86_64', isRoot && process.arch === 'x64')) return;
  const change = withLinux({
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: 'agent',
      syscalls: [{ names: ['mkdir', 'wait4', 'kill'], action: 'SCMP_ACT_NOTIFY' }],
    },
  });
  for (const noNewPrivileges of [true, false]) {
    const bundle = await prepare(t, ['/probe', 'mkdir', '/new'], all(change, withProcess({ noNewPrivileges })));
    const agent = await startAgent(t, bundle.path, { 83: 123 }); // mkdir: ENOMEDIUM
    const { status, stdout, stderr } = await runKrun(['run', '--init', '--bundle', bundle.path, bundle.id]);
    t.is(status, 0, stderr);
    t.regex(stdout, /"errno":123/);
    t.deepEqual(new Set(agent.calls()), new Set([83]));
  }
});

test('pid 1 holds nothing: no descriptor, no variable, no right but to signal, its own seccomp filter, and little memory', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { pid } = await detach(t, ['/bin/sleep', '1000']);
  t.deepEqual(await readdir(`/proc/${pid}/fd`), []);
  t.notRegex(await readFile(`/proc/${pid}/environ`, 'latin1'), /PATH|HOME|krun\/|\//);
  t.is(await readFile(`/proc/${pid}/cmdline`, 'latin1'), 'krun-init\0');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const value = (name: string) => new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(status)?.[1];
  t.deepEqual([value('Seccomp'), value('NoNewPrivs')], ['2', '1']);
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) t.is(value(set), '0000000000000020', set);
  for (const set of ['CapInh', 'CapAmb']) t.is(value(set), '0000000000000000', set);
  const kilobytes = Number(/^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
  t.log(`${kilobytes} kB`);
  t.true(kilobytes < 200, `${kilobytes} kB`);
});

test("a pipe ends when the container's process closes it, as it would without --init", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await prepare(t, ['/bin/sh', '-c', 'echo last words; exec >&- 2>&-; exec /bin/sleep 1000']);
  const { stdout } = await runKrun(['run', '--init', '--detach', '--bundle', bundle.path, bundle.id]); // to the end of the pipe
  t.is(stdout, 'last words');
  t.is((await stateOf(bundle.id)).status, 'running');
});

test('a user without privileges can run and exec with it', async (t) => {
  if (skipUnless(t, 'root, to become another user', isRoot)) return;
  const [uid, gid] = [1000, 1000];
  const { id, path } = await makeBundle(t, () =>
    withProcess({ terminal: false, args: ['/probe', 'sleep-until-stdin-eof'] })(defaultConfig({ rootless: { uid, gid } })),
  );
  await execa('install', ['-d', '-m', '0700', '-o', String(uid), '-g', String(gid), join(path, 'run')]);
  const user = { uid, gid, cwd: path, env: { XDG_RUNTIME_DIR: join(path, 'run') } };
  const child = execa(krunBinary, ['run', '--init', id], { ...user, reject: false, stdin: 'pipe', buffer: { stdout: false } });
  t.teardown(() => runKrun(['delete', '--force', id], user));
  const ended = child.then(({ stderr }) => Promise.reject(new Error(stderr)));
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  ended.catch(() => {}); // it will end later, as it should
  t.like(await runKrun(['exec', id, '/probe', 'exit', '9'], user), { status: 9, stderr: '' });
  child.stdin.end();
  t.is((await child).exitCode, 0);
});

async function prepare(t: ExecutionContext, args: readonly string[], change: ConfigChange = same): Promise<Bundle> {
  const bundle = await makeBundle(t, () => change(withProcess({ args: [...args] })(baseConfig())));
  t.teardown(() => removeContainer(bundle.id));
  return bundle;
}

async function run(t: ExecutionContext, args: readonly string[], change: ConfigChange = same): Promise<KrunResult> {
  const bundle = await prepare(t, args, change);
  return runKrun(['run', '--init', '--bundle', bundle.path, bundle.id]);
}

function probeWithInit(t: ExecutionContext, change: ConfigChange = same): Promise<ProbeReport> {
  return probe(t, ['--init'], change);
}

async function probe(t: ExecutionContext, flags: readonly string[], change: ConfigChange): Promise<ProbeReport> {
  const bundle = await prepare(t, ['/probe'], change);
  const { status, stdout, stderr } = await runKrun(['run', ...flags, '--bundle', bundle.path, bundle.id]);
  t.is(status, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}

async function detach(t: ExecutionContext, args: readonly string[], change: ConfigChange = same): Promise<{ bundle: Bundle; pid: number }> {
  const bundle = await prepare(t, args, change);
  t.like(await runApart(['run', '--init', '--detach', '--bundle', bundle.path, bundle.id]), { status: 0, stderr: '' });
  return { bundle, pid: (await stateOf(bundle.id)).pid };
}

async function stateOf(id: string): Promise<{ status: string; pid: number }> {
  return JSON.parse((await runKrun(['state', id])).stdout) as { status: string; pid: number };
}

async function childrenOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean);
}

async function commandsOf(pid: number): Promise<string[]> {
  const lines = (await childrenOf(pid)).map((child) => readFile(`/proc/${child}/cmdline`, 'latin1').catch(() => ''));
  return (await Promise.all(lines)).map((line) => line.replace('/bin/', '').replaceAll('\0', ' ').trim());
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

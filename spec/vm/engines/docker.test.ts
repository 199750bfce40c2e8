import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { atTerminal, busyboxRoot, call, type Done, eventually, installed, lacksEngine, succeed } from '../../support/engine.ts';

// Docker's daemon drives krun through containerd-shim-runc-v2, by the name that daemon.json gives.

const stateRoot = '/run/docker/runtime-runc/moby';

test.before(async (t) => {
  if (await lacksDocker(t)) return;
  configure({});
  await succeed(t, 'systemctl', ['restart', 'docker']);
  const { archive } = await busyboxRoot();
  await docker(t, 'import', archive, 'busybox');
});

test.after.always(async () => {
  await call('systemctl', ['stop', 'docker', 'docker.socket', 'containerd']);
});

function lacksDocker(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'docker', 'dockerd');
}

function configure(more: object): void {
  mkdirSync('/etc/docker', { recursive: true });
  const runtimes = { krun: { path: installed } };
  writeFileSync('/etc/docker/daemon.json', JSON.stringify({ runtimes, 'exec-opts': ['native.cgroupdriver=cgroupfs'], ...more }));
}

function docker(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  return succeed(t, 'docker', args);
}

/** `docker run --rm` with krun and without a network. */
function run(...args: readonly string[]): Promise<Done> {
  return call('docker', ['run', '--rm', '--runtime', 'krun', '--network', 'none', ...args]);
}

/** A container that stays until the test is over; its id. */
async function stays(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const id = await docker(t, 'run', '--detach', '--runtime', 'krun', '--network', 'none', ...args);
  t.teardown(() => call('docker', ['rm', '--force', id]));
  return id;
}

async function inspect(t: ExecutionContext, id: string, format: string): Promise<string> {
  return await docker(t, 'inspect', '--format', format, id);
}

const endless = ['busybox', 'sh', '-c', 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.2; done'];

test.serial('docker run with krun as one more runtime: streams, status, user, directory', async (t) => {
  if (await lacksDocker(t)) return;
  const done = await call(
    'docker',
    ['run', '--rm', '--interactive', '--runtime', 'krun', '-u', '7:8', '-w', '/made/here', '-e', 'A=b c', 'busybox', 'sh', '-c', script],
    { input: 'from outside' },
  );
  t.deepEqual(done, { status: 37, out: 'from outside\nuid=7 gid=8 groups=8\n/made/here b c', err: 'complaint' });
});
const script = 'cat; echo; id; echo "$(pwd) $A"; echo complaint >&2; exit 37';

test.serial('what cannot be executed has the statuses that docker is known for: 127 and 126', async (t) => {
  if (await lacksDocker(t)) return;
  const missing = await run('busybox', 'no-such-program');
  t.is(missing.status, 127);
  t.regex(missing.err, /exec: "no-such-program": executable file not found in \$PATH/);
  const file = await run('busybox', '/etc/passwd');
  t.is(file.status, 126);
  t.regex(file.err, /permission denied/);
});

test.serial('limits, rights, --init, the default seccomp profile: as asked, seen from inside', async (t) => {
  if (await lacksDocker(t)) return;
  const limits = [
    '-m',
    '64m',
    '--memory-swap',
    '96m',
    '--cpus',
    '0.5',
    '--pids-limit',
    '50',
    '--cpuset-cpus',
    '0',
    '--ulimit',
    'nofile=100:200',
  ];
  const more = ['--init', '--cap-drop', 'all', '--cap-add', 'chown', '--security-opt', 'no-new-privileges', '--hostname', 'inside'];
  const look = `cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max cpuset.cpus; ulimit -n; hostname
    cat /proc/1/comm; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; unshare --user true 2>&1; true`;
  const done = await run(...limits, ...more, 'busybox', 'sh', '-c', look);
  t.deepEqual(done.out.split('\n'), [
    `${64 * 2 ** 20}`,
    `${32 * 2 ** 20}`,
    '50000 100000',
    '50',
    '0',
    '100',
    'inside',
    'docker-init',
    'CapEff:\t0000000000000001',
    'CapBnd:\t0000000000000001',
    'NoNewPrivs:\t1',
    'Seccomp:\t2',
    'unshare: unshare(0x10000000): Operation not permitted',
  ]);
  t.is(done.status, 0, done.err);
});

test.serial('docker exec: streams, status, user, a terminal of the size of the caller; top; stats', async (t) => {
  if (await lacksDocker(t)) return;
  const id = await stays(t, ...endless);
  t.is(await inspect(t, id, '{{.HostConfig.Runtime}} {{.State.Status}}'), 'krun running');
  t.true((await succeed(t, installed, ['--root', stateRoot, 'list', '--quiet'])).split('\n').includes(id), 'krun has made it');
  const done = await call('docker', ['exec', '--interactive', '-u', 'nobody', '-w', '/tmp', id, 'sh', '-c', 'cat; id -u; pwd; exit 5'], {
    input: 'in\n',
  });
  t.deepEqual(done, { status: 5, out: 'in\n65534\n/tmp', err: '' });
  t.is((await call('docker', ['exec', id, 'no-such-program'])).status, 126, 'as with runc');
  const screen = await atTerminal(t, 'docker', [
    'exec',
    '--interactive',
    '--tty',
    id,
    'sh',
    '-c',
    'tty; until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; stty size',
  ]);
  t.regex(screen, /\/dev\/pts\/0\r?\n33 101/);
  t.regex(await docker(t, 'top', id), /while :; do/);
  const [percent, memory, pids] = (await docker(t, 'stats', '--no-stream', '--format', '{{.CPUPerc}};{{.MemUsage}};{{.PIDs}}', id)).split(
    ';',
  );
  t.regex(percent ?? '', /^\d+\.\d+%$/);
  t.regex(memory ?? '', /^[1-9][0-9.]*[kKM]iB \//);
  t.true(Number(pids) >= 1);
});

test.serial('docker update, pause, unpause, stop, start, kill, logs', async (t) => {
  if (await lacksDocker(t)) return;
  const id = await stays(t, '-m', '64m', ...endless);
  const cgroup = `/sys/fs/cgroup/docker/${id}`;
  await docker(t, 'update', '--memory', '128m', '--memory-swap', '192m', '--pids-limit', '77', '--cpus', '0.25', id);
  const files = ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map((name) => `${cgroup}/${name}`);
  t.is(await succeed(t, 'cat', files), `${128 * 2 ** 20}\n${64 * 2 ** 20}\n77\n25000 100000`);
  await docker(t, 'pause', id);
  t.is(await inspect(t, id, '{{.State.Status}}'), 'paused');
  t.is(await succeed(t, 'cat', [`${cgroup}/cgroup.freeze`]), '1');
  await docker(t, 'unpause', id);
  t.is(await inspect(t, id, '{{.State.Status}}'), 'running');
  await docker(t, 'update', '--cpus', '2', id);
  await docker(t, 'stop', '--time', '120', id);
  t.is(await inspect(t, id, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
  t.is(await docker(t, 'logs', id), 'ready\nbye');
  await docker(t, 'start', id);
  await docker(t, 'kill', '--signal', 'KILL', id);
  t.is(await docker(t, 'wait', id), '137');
});

test.serial('a restart policy starts a container anew, and an end for want of memory is told', async (t) => {
  if (await lacksDocker(t)) return;
  const failing = await stays(t, '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'echo again; exit 9');
  await eventually('it has been restarted twice', async () => {
    return (await inspect(t, failing, '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}')) === '2 exited 9';
  });
  t.is(await docker(t, 'logs', failing), 'again\nagain\nagain');
  const hungry = await stays(t, '-m', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', 'tail /dev/zero; exit 4');
  t.is(await docker(t, 'wait', hungry), '4');
  t.is(await inspect(t, hungry, '{{.State.OOMKilled}}'), 'true');
});

test.serial('krun as the default runtime, set while the daemon runs', async (t) => {
  if (await lacksDocker(t)) return;
  configure({ 'default-runtime': 'krun' });
  await succeed(t, 'systemctl', ['reload', 'docker']);
  await eventually('it is the default', async () => (await docker(t, 'info', '--format', '{{.DefaultRuntime}}')) === 'krun');
  const id = await docker(t, 'run', '--detach', '--network', 'none', 'busybox', 'true');
  t.is(await docker(t, 'wait', id), '0');
  t.is(await inspect(t, id, '{{.HostConfig.Runtime}}'), 'krun');
  await docker(t, 'rm', id);
});

test.serial('nothing is left of docker’s containers', async (t) => {
  if (await lacksDocker(t)) return;
  t.is(await docker(t, 'ps', '--all', '--quiet'), '');
  t.deepEqual(existsSync(stateRoot) ? readdirSync(stateRoot).filter((name) => !name.startsWith('.')) : [], []);
  const cgroup = '/sys/fs/cgroup/docker';
  t.deepEqual(existsSync(cgroup) ? readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [], []);
});

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { atTerminal, busyboxRoot, call, type Done, eventually, installed, lacksEngine, succeed } from '../../support/engine.ts';

// podman drives krun directly and through conmon. It takes the name krun for another runtime, one of virtual machines (libkrun): the
// tests run under that name, configured as docs/ENGINES.md says, and one under another name.

const otherName = '/usr/local/bin/krun-oci';
const settings = '/etc/containers/containers.conf';

test.before(async (t) => {
  if (await lacksPodman(t)) return;
  rmSync(otherName, { force: true });
  symlinkSync(installed, otherName);
  mkdirSync('/etc/containers', { recursive: true });
  writeFileSync(settings, configuration);
  const { archive } = await busyboxRoot();
  await podman(t, 'import', archive, 'busybox');
});

const configuration = `[engine]
runtime = "krun"
cgroup_manager = "cgroupfs"
runtime_supports_kvm = []
runtime_supports_json = ["krun", "krun-oci"]
runtime_supports_nocgroups = ["krun", "krun-oci"]

[engine.runtimes]
krun = ["${installed}"]
krun-oci = ["${otherName}"]
`;

test.after.always(() => {
  rmSync(settings, { force: true });
  rmSync(otherName, { force: true });
});

function lacksPodman(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'podman', 'conmon');
}

function podman(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  return succeed(t, 'podman', args);
}

function run(...args: readonly string[]): Promise<Done> {
  return call('podman', ['run', '--rm', '--network', 'none', ...args]);
}

/** A container that stays until the test is over; its id. */
async function stays(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const id = await podman(t, 'run', '--detach', '--network', 'none', ...args);
  t.teardown(() => call('podman', ['rm', '--force', '--time', '0', id]));
  return id;
}

async function inspect(t: ExecutionContext, id: string, format: string): Promise<string> {
  return await podman(t, 'inspect', '--format', format, id);
}

const endless = ['busybox', 'sh', '-c', 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.2; done'];

test.serial('podman run: streams, status, user, directory', async (t) => {
  if (await lacksPodman(t)) return;
  const script = 'cat; echo; id -u; id -g; id -G; echo "$(pwd) $A"; echo complaint >&2; exit 37';
  const args = [
    'run',
    '--rm',
    '--interactive',
    '--network',
    'none',
    '-u',
    '7:8',
    '-w',
    '/tmp',
    '-e',
    'A=b c',
    'busybox',
    'sh',
    '-c',
    script,
  ];
  const done = await call('podman', args, { input: 'from outside' });
  t.deepEqual(done, { status: 37, out: 'from outside\n7\n8\n8\n/tmp b c', err: 'complaint' });
  t.is(
    await podman(t, 'info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}} {{.Host.CgroupManager}}'),
    `krun ${installed} cgroupfs`,
  );
});

test.serial('what cannot be executed has the statuses that podman is known for: 127 and 126', async (t) => {
  if (await lacksPodman(t)) return;
  const missing = await run('busybox', 'no-such-program');
  t.is(missing.status, 127);
  t.regex(missing.err, /exec: "no-such-program": executable file not found in \$PATH/);
  const file = await run('busybox', '/etc/passwd');
  t.is(file.status, 126);
  t.regex(file.err, /permission denied/i);
});

test.serial('limits, rights, --init, the default seccomp profile: as asked, seen from inside', async (t) => {
  if (await lacksPodman(t)) return;
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
    cat /proc/1/comm; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status`;
  const done = await run(...limits, ...more, 'busybox', 'sh', '-c', look);
  t.deepEqual(done.out.split('\n'), [
    `${64 * 2 ** 20}`,
    `${32 * 2 ** 20}`,
    '50000 100000',
    '50',
    '0',
    '100',
    'inside',
    'podman-init',
    'CapEff:\t0000000000000001',
    'CapBnd:\t0000000000000001',
    'NoNewPrivs:\t1',
    'Seccomp:\t2',
  ]);
  t.is((await run('--cgroups', 'disabled', 'busybox', 'true')).status, 0, 'krun is told to leave cgroups alone');
});

test.serial('podman exec, top, stats, logs, healthcheck', async (t) => {
  if (await lacksPodman(t)) return;
  const id = await stays(t, '--health-cmd', 'test -e /tmp/well', '--health-interval', 'disable', ...endless);
  t.is(await inspect(t, id, '{{.OCIRuntime}} {{.State.Status}}'), 'krun running');
  t.true((await succeed(t, installed, ['list', '--quiet'])).split('\n').includes(id), 'krun has made it');
  const done = await call('podman', ['exec', '--interactive', '-u', 'nobody', '-w', '/tmp', id, 'sh', '-c', 'cat; id -u; pwd; exit 5'], {
    input: 'in\n',
  });
  t.deepEqual(done, { status: 5, out: 'in\n65534\n/tmp', err: '' });
  t.is((await call('podman', ['exec', id, 'no-such-program'])).status, 127);
  t.is((await call('podman', ['exec', id, '/etc/passwd'])).status, 126);
  const size = 'tty; until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; stty size';
  t.regex(await atTerminal(t, 'podman', ['exec', '--interactive', '--tty', id, 'sh', '-c', size]), /\/dev\/pts\/0\r?\n33 101/);
  t.regex(await podman(t, 'top', id, 'pid', 'args'), /^1 +sh -c/m);
  const [percent, memory, pids] = (await podman(t, 'stats', '--no-stream', '--format', '{{.CPUPerc}};{{.MemUsage}};{{.PIDs}}', id)).split(
    ';',
  );
  t.regex(percent ?? '', /^\d+\.\d+%$/);
  t.regex(memory ?? '', /^[1-9][0-9.]*[kKM]i?B \//);
  t.true(Number(pids) >= 1);
  t.is(await podman(t, 'logs', id), 'ready');
  t.is((await call('podman', ['healthcheck', 'run', id])).status, 1);
  await podman(t, 'exec', id, 'touch', '/tmp/well');
  t.is((await call('podman', ['healthcheck', 'run', id])).status, 0);
});

test.serial('podman update, pause, unpause, stop, start, kill, wait', async (t) => {
  if (await lacksPodman(t)) return;
  const id = await stays(t, '-m', '64m', ...endless);
  const cgroup = `/sys/fs/cgroup${await inspect(t, id, '{{.State.CgroupPath}}')}`;
  await podman(t, 'update', '--memory', '128m', '--pids-limit', '77', '--cpus', '0.25', id);
  t.is(
    await succeed(
      t,
      'cat',
      ['memory.max', 'pids.max', 'cpu.max'].map((name) => `${cgroup}/${name}`),
    ),
    `${128 * 2 ** 20}\n77\n25000 100000`,
  );
  await podman(t, 'pause', id);
  t.is(await inspect(t, id, '{{.State.Status}}'), 'paused');
  await podman(t, 'unpause', id);
  await podman(t, 'stop', '--time', '120', id);
  t.is(await inspect(t, id, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
  await podman(t, 'start', id);
  await podman(t, 'kill', '--signal', 'KILL', id);
  t.is(await podman(t, 'wait', id), '137');
});

test.serial('two containers of a pod share its network and ipc namespaces', async (t) => {
  if (await lacksPodman(t)) return;
  const pod = await podman(t, 'pod', 'create', '--network', 'none', '--name', 'two');
  t.teardown(() => call('podman', ['pod', 'rm', '--force', '--time', '0', pod]));
  const server = ['sh', '-c', 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 127.0.0.1:8080 -h /www'];
  await podman(t, 'run', '--detach', '--pod', pod, '--name', 'server', 'busybox', ...server);
  const ask = 'until wget -q -O - http://127.0.0.1:8080/; do sleep 0.2; done; readlink /proc/self/ns/ipc';
  const [page, ipc] = (await podman(t, 'run', '--rm', '--pod', pod, 'busybox', 'sh', '-c', ask)).split('\n');
  t.is(page, 'served');
  t.is(await podman(t, 'exec', 'server', 'readlink', '/proc/self/ns/ipc'), ipc ?? '');
  await podman(t, 'pod', 'stop', '--time', '1', pod);
  t.is(await podman(t, 'pod', 'inspect', '--format', '{{.State}}', pod), 'Exited');
});

test.serial('podman container checkpoint and restore', async (t) => {
  if (await lacksPodman(t)) return;
  const id = await stays(t, 'busybox', 'sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.1; done');
  await eventually('it counts', async () => Number(await podman(t, 'exec', id, 'cat', '/tmp/count')) > 3);
  await podman(t, 'container', 'checkpoint', id);
  t.is(await inspect(t, id, '{{.State.Status}} {{.State.Checkpointed}}'), 'exited true');
  await podman(t, 'container', 'restore', id);
  const count = async () => Number(await podman(t, 'exec', id, 'cat', '/tmp/count'));
  const then = await count();
  t.true(then > 3, 'it goes on from where it was');
  await eventually('it goes on counting', async () => (await count()) > then);
});

test.serial('podman gives a container the same config.json under the name krun as under another', async (t) => {
  if (await lacksPodman(t)) return;
  const configs = [];
  for (const runtime of ['krun', 'krun-oci']) {
    const args = ['--runtime', runtime, 'run', '--network', 'none', '--name', 'same', '--hostname', 'same', 'busybox', 'true'];
    const done = await call('podman', args);
    t.is(done.status, 0, done.err);
    const id = await inspect(t, 'same', '{{.Id}}');
    configs.push(readFileSync(await inspect(t, 'same', '{{.OCIConfigPath}}'), 'utf8').replaceAll(id, 'ID'));
    await podman(t, 'rm', 'same');
  }
  const [first, second] = configs.map((config) => JSON.stringify(comparable(JSON.parse(config)), null, 1));
  t.is(first, second);
});

/** Without what differs from one container to the next. */
function comparable(config: { mounts: { source: string }[]; root: { path: string }; linux: { namespaces: { path?: string }[] } }): object {
  for (const mount of config.mounts) mount.source = mount.source.replaceAll(/[0-9a-f]{64}/g, 'ID');
  for (const namespace of config.linux.namespaces) delete namespace.path;
  return { ...config, root: { ...config.root, path: '' } };
}

test.serial('nothing is left of podman’s containers', async (t) => {
  if (await lacksPodman(t)) return;
  t.is(await podman(t, 'ps', '--all', '--quiet'), '');
  t.is(await succeed(t, installed, ['list', '--quiet']), '');
  const cgroup = '/sys/fs/cgroup/libpod_parent';
  const left = existsSync(cgroup) ? readdirSync(cgroup).filter((name) => name.startsWith('libpod-')) : [];
  t.deepEqual(
    left.filter((name) => !name.startsWith('libpod-conmon')),
    [],
  );
});

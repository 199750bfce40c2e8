import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config, Resources } from '../../runtime/config/config.ts';
import { all, withLinux, withProcess } from '../support/change-config.ts';
import { type KrunResult, krunBinary } from '../support/krun.ts';
import { as, type Login, logIn, makeUserBundle, type UserBundle } from '../support/login.ts';

const scope = ['systemd-run', '--user', '--scope', '--quiet', '-p', 'Delegate=yes', '--'];

/** krun in a scope of the user's systemd, as the remedy says. */
function inScope(login: Login, bundle: UserBundle, args: readonly string[]): Promise<KrunResult> {
  return as(login, [...scope, krunBinary, ...args], { cwd: bundle.path });
}

/** krun in a service of the host's systemd that runs as this user. */
async function inService(login: Login, bundle: UserBundle, properties: readonly string[]): Promise<KrunResult> {
  const settings = [
    ...properties,
    `User=${login.name}`,
    `WorkingDirectory=${bundle.path}`,
    `Environment=XDG_RUNTIME_DIR=${login.env['XDG_RUNTIME_DIR']}`,
  ];
  const words = ['--wait', '--pipe', '--quiet', ...settings.flatMap((setting) => ['-p', setting]), '--', krunBinary, 'run', bundle.id];
  const { exitCode, stdout, stderr } = await execa('systemd-run', words, { reject: false, stdin: 'ignore', timeout: 120_000 });
  return { status: exitCode ?? 255, signal: undefined, stdout: String(stdout), stderr: String(stderr) };
}

const withShell = (script: string) => withProcess({ args: ['sh', '-c', script] });
const withResources = (resources: Resources) => withLinux({ resources });
const readLimits = withShell('cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max');
const limits = withResources({ memory: { limit: 67_108_864n }, pids: { limit: 50n } });

/** A container that sleeps, detached, in a scope of the user's. */
async function startDetached(t: ExecutionContext, login: Login, change: (config: Config) => Config): Promise<UserBundle> {
  const bundle = await makeUserBundle(t, login, all(withProcess({ args: ['sleep', '1000'] }), change));
  // A pipe would stay open as long as the container runs.
  const { status } = await as(login, ['sh', '-c', `exec "$@" >/dev/null 2>&1`, 'sh', ...scope, krunBinary, 'run', '--detach', bundle.id], {
    cwd: bundle.path,
  });
  t.is(status, 0);
  return bundle;
}

test('in a scope of the user’s systemd the limits of memory and pids hold', async (t) => {
  const login = await logIn('user');
  const bundle = await makeUserBundle(t, login, all(readLimits, limits));
  const { status, stdout, stderr } = await inScope(login, bundle, ['run', bundle.id]);
  t.is(status, 0, stderr);
  t.is(stdout, '67108864\n50');
});

test('pause, update, events and exec work on a user’s container, and delete leaves no cgroup', async (t) => {
  const login = await logIn('user');
  const bundle = await startDetached(t, login, limits);
  const { id, krun } = bundle;
  const state = async () => JSON.parse((await krun(['state', id])).stdout) as { status: string; pid: number };
  t.is((await krun(['pause', id])).status, 0);
  t.is((await state()).status, 'paused');
  t.is((await krun(['resume', id])).status, 0);
  const updated = await krun(['update', '--memory', '33554432', id]);
  t.is(updated.status, 0, updated.stderr);
  const events = JSON.parse((await krun(['events', '--stats', id])).stdout);
  t.is(events.data.memory.usage.limit, 33_554_432);
  const exec = await inScope(login, bundle, ['exec', id, 'cat', '/sys/fs/cgroup/memory.max', '/proc/self/cgroup']);
  t.deepEqual(exec.stdout.split('\n'), ['33554432', '0::/'], exec.stderr);
  const cgroup = (await execa('cat', [`/proc/${(await state()).pid}/cgroup`])).stdout.slice('0::'.length);
  t.regex(cgroup, new RegExp(`^/user\\.slice/user-${login.uid}\\.slice/user@${login.uid}\\.service/`));
  t.is((await krun(['delete', '--force', id])).status, 0);
  t.false(existsSync(`/sys/fs/cgroup${cgroup}`));
});

test('exec from outside of what is delegated is refused with where krun must be', async (t) => {
  const { id, krun } = await startDetached(t, await logIn('user'), limits);
  const { status, stderr } = await krun(['exec', id, 'id']);
  t.is(status, 255, stderr);
  t.regex(stderr, /no permission to start a process in the cgroup[\s\S]*systemd-run --user --scope[\s\S]*E_BAD_CGROUP/);
});

test('outside of what is delegated a limit is refused with the remedy, and doctor has said so', async (t) => {
  const login = await logIn('user');
  const { id, krun } = await makeUserBundle(t, login, limits);
  const { status, stderr } = await krun(['run', id]);
  t.is(status, 1);
  t.regex(
    stderr,
    /is not writable there, and (memory|pids)\.max needs one[\s\S]*systemd-run --user --scope -p Delegate=yes[\s\S]*E_NO_CGROUP2/,
  );
  t.regex((await krun(['doctor'])).stdout, /^warn +cgroup2-writable .*\n +fix: systemd-run --user --scope -p Delegate=yes/m);
});

test('in a delegated service the container’s cgroup is below krun’s own', async (t) => {
  const login = await logIn('user');
  const bundle = await makeUserBundle(t, login, (config) => {
    const shown = withShell('cat /proc/self/cgroup')(config);
    return withLinux({ namespaces: (shown.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup') })({
      ...shown,
      mounts: (shown.mounts ?? []).filter(({ type }) => type !== 'cgroup'),
    });
  });
  const { status, stdout, stderr } = await inService(login, bundle, ['Delegate=yes']);
  t.is(status, 0, stderr);
  t.regex(stdout, new RegExp(`^0::/system\\.slice/run-[^/]+\\.service/krun-${bundle.id}$`));
});

test('a limit there is refused as long as krun is in that cgroup itself, and holds when it is in one below', async (t) => {
  const login = await logIn('user');
  const bundle = await makeUserBundle(t, login, all(readLimits, limits));
  const refused = await inService(login, bundle, ['Delegate=yes']);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /holds processes[\s\S]*DelegateSubgroup=[\s\S]*E_BAD_CGROUP/);
  const { stdout, stderr } = await inService(login, bundle, ['Delegate=yes', 'DelegateSubgroup=krun']);
  t.is(stdout, '67108864\n50', stderr);
});

test('a controller that is not delegated is named with the drop-in, and with that the limit holds', async (t) => {
  const login = await logIn('plain');
  const bundle = await makeUserBundle(t, login, all(withShell('cat /sys/fs/cgroup/cpuset.cpus'), withResources({ cpu: { cpus: '0' } })));
  const before = await inScope(login, bundle, ['run', bundle.id]);
  t.is(before.status, 1);
  t.regex(before.stderr, /needs the cgroup controller "cpuset"[\s\S]*Delegate=cpu cpuset io memory pids[\s\S]*E_NO_CONTROLLER/);
  t.regex((await inScope(login, bundle, ['doctor'])).stdout, /^warn +cgroup2-controllers +cpuset, io/m);

  // The remedy, for this user alone.
  const unit = `user@${login.uid}.service`;
  const directory = `/run/systemd/system/${unit}.d`;
  await mkdir(directory, { recursive: true });
  t.teardown(async () => {
    await rm(directory, { recursive: true });
    await execa('systemctl', ['daemon-reload']);
    await execa('systemctl', ['restart', unit]);
  });
  await writeFile(`${directory}/delegate.conf`, '[Service]\nDelegate=cpu cpuset io memory pids\n');
  await execa('systemctl', ['daemon-reload']);
  await execa('systemctl', ['restart', unit]);
  const after = await inScope(login, bundle, ['run', bundle.id]);
  t.is(after.stdout, '0', after.stderr);
  t.regex((await inScope(login, bundle, ['doctor'])).stdout, /^ok +cgroup2-controllers /m);
});

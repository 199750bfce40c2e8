// --systemd-cgroup for an ordinary user, who is logged in elsewhere than below the user's own systemd.
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Config, Resources } from '../../runtime/config/config.ts';
import { defaultConfig } from '../../runtime/config/default.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { krunBinary, withArguments } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const user = 'user';
const uid = 1000;
const runtime = `/run/user/${uid}`;
const hasUserManager = existsSync(`${runtime}/bus`);
const managerRoot = `/user.slice/user-${uid}.slice/user@${uid}.service`;

test.serial("a user's container is in a scope of the user's own systemd, limited and shown there", async (t) => {
  const bundle = await start(t, { memory: { limit: 64n << 20n }, pids: { limit: 50n } });
  if (bundle === null) return;
  const unit = `krun-${bundle.id}.scope`;
  const directory = `/sys/fs/cgroup${managerRoot}/user.slice/${unit}`;
  t.is(await property(unit, 'ControlGroup'), `${managerRoot}/user.slice/${unit}`);
  t.deepEqual([await property(unit, 'MemoryMax'), await property(unit, 'TasksMax')], [String(64 << 20), '50']);
  const read = (file: string) => readFileSync(`${directory}/${file}`, 'utf8').trim();
  t.deepEqual([read('memory.max'), read('pids.max')], [String(64 << 20), '50']);
  const { pid } = JSON.parse((await krun(['state', bundle.id])).stdout) as { pid: number };
  t.is(read('cgroup.procs'), String(pid), 'init, and nobody else');

  t.is((await krun(['exec', bundle.id, '/bin/cat', '/proc/self/cgroup'])).stdout, '0::/');
  t.is((await krun(['update', '--memory', '128m', bundle.id])).exitCode, 0);
  t.deepEqual([read('memory.max'), await property(unit, 'MemoryMax')], [String(128 << 20), String(128 << 20)]);
  t.is((await krun(['pause', bundle.id])).exitCode, 0);
  t.is(read('cgroup.freeze'), '1');
  t.is((await krun(['resume', bundle.id])).exitCode, 0);
  t.is((await krun(['delete', '--force', bundle.id])).exitCode, 0);
  t.is(await property(unit, 'LoadState'), 'not-found');
  t.false(existsSync(directory));
});

test.serial('a stage is moved as well: init is born in the scope', async (t) => {
  const bundle = await start(t, {}, (config) => ({
    ...config,
    linux: {
      ...config.linux,
      namespaces: [...(config.linux?.namespaces ?? []), { type: 'time' }],
      timeOffsets: { monotonic: { secs: 5n } },
    },
  }));
  if (bundle === null) return;
  const { pid } = JSON.parse((await krun(['state', bundle.id])).stdout) as { pid: number };
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${managerRoot}/user.slice/krun-${bundle.id}.scope\n`);
});

test.serial('a limit whose controller the user has not got is refused, with the drop-in that gives it', async (t) => {
  if (skipUnless(t, "a user's systemd", hasUserManager)) return;
  const controllers = readFileSync(`/sys/fs/cgroup${managerRoot}/cgroup.controllers`, 'utf8').split(/\s+/);
  if (skipUnless(t, 'a user without the controller cpuset', !controllers.includes('cpuset'))) return;
  const bundle = await bundleOf(t, { cpu: { cpus: '0' } });
  const { exitCode, stderr } = await krun(['--systemd-cgroup', 'run', '-d', '-b', bundle.path, bundle.id]);
  t.is(exitCode, 1);
  t.regex(stderr, /code: E_NO_CONTROLLER/);
  t.regex(stderr, /user@\.service\.d\/delegate\.conf/);
});

test.serial('without a bus of the user the refusal says how to come by one, and nothing is left', async (t) => {
  if (skipUnless(t, "a user's systemd", hasUserManager)) return;
  const bundle = await bundleOf(t, {}, 'plain');
  const other = { XDG_RUNTIME_DIR: bundle.path, DBUS_SESSION_BUS_ADDRESS: '' };
  await chown(bundle.path, 1001, 1001);
  const { exitCode, stderr } = await krun(['--systemd-cgroup', 'run', '-d', '-b', bundle.path, bundle.id], 'plain', other);
  t.is(exitCode, 1);
  t.regex(stderr, /code: E_NO_SYSTEMD/);
  t.regex(stderr, /enable-linger/);
  t.false(existsSync(`${bundle.path}/krun/${bundle.id}`));
});

async function start(
  t: ExecutionContext,
  resources: Resources,
  change: (config: Config) => Config = (config) => config,
): Promise<Bundle | null> {
  if (skipUnless(t, "a user's systemd", hasUserManager)) return null;
  const bundle = await bundleOf(t, resources, user, change);
  t.teardown(() => krun(['delete', '--force', bundle.id]));
  const { exitCode } = await krun(
    ['--systemd-cgroup', '--log', '/tmp/krun-rootless.log', 'run', '-d', '-b', bundle.path, bundle.id],
    user,
    {},
    true,
  );
  t.is(exitCode, 0, existsSync('/tmp/krun-rootless.log') ? readFileSync('/tmp/krun-rootless.log', 'utf8') : '');
  return bundle;
}

async function bundleOf(
  t: ExecutionContext,
  resources: Resources,
  name = user,
  change: (config: Config) => Config = (config) => config,
): Promise<Bundle> {
  const ids = { uid: name === user ? uid : 1001, gid: name === user ? uid : 1001 };
  const bundle = await makeBundle(t, (config) => {
    const rootless = defaultConfig({ rootless: ids });
    const { process } = withArguments(config, ['/bin/sleep', '1000']);
    return change({ ...rootless, ...(process === undefined ? {} : { process }), linux: { ...rootless.linux, resources } });
  });
  await chmod(bundle.path, 0o755);
  return bundle;
}

async function krun(args: readonly string[], name = user, env: Readonly<Record<string, string>> = {}, detached = false) {
  const ids = { uid: name === user ? uid : 1001, gid: name === user ? uid : 1001 };
  const streams = detached ? { stdio: 'ignore' as const } : { stdin: 'ignore' as const };
  const result = await execa(krunBinary, args, { ...ids, ...streams, reject: false, cwd: '/', env: { XDG_RUNTIME_DIR: runtime, ...env } });
  return { exitCode: result.exitCode, stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') };
}

async function property(unit: string, name: string): Promise<string> {
  const show = ['--user', 'show', '--value', '-p', name, unit];
  return (await execa('systemctl', show, { uid, gid: uid, env: { XDG_RUNTIME_DIR: runtime } })).stdout.trim();
}

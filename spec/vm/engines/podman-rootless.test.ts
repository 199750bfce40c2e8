import test, { type ExecutionContext } from 'ava';
import { busyboxRoot, call, type Done, installed, lacksEngine } from '../../support/engine.ts';

// An ordinary user's podman maps their subordinate ids itself and calls krun as root of that user namespace, sometimes without USER.

const user = 'user';

function lacksPodman(t: ExecutionContext): Promise<boolean> {
  return lacksEngine(t, 'podman', 'conmon', 'newuidmap');
}

async function podman(...args: readonly string[]): Promise<Done> {
  const uid = (await call('id', ['-u', user])).out;
  const runtime = ['--runtime', installed, '--cgroup-manager', 'cgroupfs'];
  const env = { XDG_RUNTIME_DIR: `/run/user/${uid}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${uid}/bus` };
  return await call('runuser', ['-u', user, '--', 'podman', ...runtime, ...args], { env, cwd: '/' });
}

test.serial("a user's podman: run, --init, exec, stop, and nothing is left", async (t) => {
  if (await lacksPodman(t)) return;
  const { directory, archive } = await busyboxRoot();
  await call('chmod', ['-R', 'a+rX', `${directory}/..`]);
  t.teardown(() => podman('rm', '--all', '--force', '--time', '0'));
  t.is((await podman('import', archive, 'busybox')).status, 0);
  const look = 'id -u; cat /proc/self/uid_map | tr -s " "; exit 37';
  const seen = await podman('run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', look);
  t.is(seen.status, 37, seen.err);
  t.regex(seen.out, /^0\n 0 \d+ 1\n 1 100000 65536$/);
  const made = await podman('run', '--detach', '--network', 'none', '--init', 'busybox', 'sleep', '1000');
  t.is(made.status, 0, made.err);
  t.deepEqual(await podman('exec', made.out, 'cat', '/proc/1/comm'), { status: 0, out: 'podman-init', err: '' });
  t.is((await podman('exec', made.out, 'sh', '-c', 'exit 5')).status, 5);
  t.is((await podman('stop', '--time', '1', made.out)).status, 0);
  t.is((await podman('rm', made.out)).status, 0);
  const uid = (await call('id', ['-u', user])).out;
  t.false((await call(installed, ['--root', `/run/user/${uid}/krun`, 'list', '--quiet'])).out.includes(made.out));
});

// checkpoint and restore by criu, as they are called by people, podman and containerd.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import type { Config } from '../../runtime/config/config.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { makeBundle } from '../support/bundle.ts';
import { assertUnbroken, criuEnvironment, lacksCriu, lastCount, spawnInto, startCounter, stateOf, waitFor } from '../support/criu.ts';
import { krunBinary, removeContainer, runKrun, withArguments } from '../support/krun.ts';
import { assertNothingLeft, hostSnapshot } from '../support/leaks.ts';
import { sitDown } from '../support/person.ts';
import { skipUnless } from '../support/skip.ts';
import { type Listener, listen } from '../support/socket-listener.ts';

test('a container that is checkpointed is gone; restored, it goes on where it was, with its standard output', async (t) => {
  if (lacksCriu(t)) return;
  const before = await hostSnapshot();
  const { bundle, images, output, krun, nextCount } = await startCounter(t);
  t.like(await krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  t.is((await stateOf(bundle.id)).status, 'gone');
  await assertNothingLeft(t, before, bundle);
  const counted = await lastCount(output);
  const pidFile = join(bundle.path, 'pid');
  const restore = ['restore', '--image-path', images, '--bundle', bundle.path, '--detach', '--pid-file', pidFile, bundle.id];
  t.like(await krun(restore), { status: 0, stderr: '' });
  const { pid, status } = await stateOf(bundle.id);
  t.is(status, 'running');
  t.is(await readFile(pidFile, 'utf8'), String(pid));
  t.true((await nextCount()) > counted);
  await assertUnbroken(t, output);
  t.regex(await readFile(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::/krun-${bundle.id}$`, 'm'));
  t.is((await runKrun(['exec', bundle.id, 'true'])).status, 0);
  t.is((await runKrun(['kill', bundle.id, 'KILL'])).status, 0);
  await waitFor(async () => ((await stateOf(bundle.id)).status === 'stopped' ? true : null));
  t.like(await runKrun(['delete', bundle.id]), { status: 0, stderr: '' });
  await assertNothingLeft(t, before, bundle);
});

test('with --leave-running it goes on, and the checkpoint is good for another id', async (t) => {
  if (lacksCriu(t)) return;
  const { bundle, images, krun, nextCount, output } = await startCounter(t);
  t.like(await krun(['checkpoint', '--leave-running', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  t.is((await stateOf(bundle.id)).status, 'running');
  await nextCount();
  await assertUnbroken(t, output);
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  const other = `${bundle.id}-other`;
  t.teardown(() => removeContainer(other));
  t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', other]), { status: 0, stderr: '' });
  const { pid, status } = await stateOf(other);
  t.is(status, 'running');
  t.regex(await readFile(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::/krun-${other}$`, 'm'));
  t.regex(await readFile(`/proc/${pid}/mountinfo`, 'utf8'), new RegExp(` /krun-${other} /sys/fs/cgroup `));
});

test('in the foreground restore waits, passes signals on and ends with the status of the container', async (t) => {
  if (lacksCriu(t)) return;
  const before = await hostSnapshot();
  const { bundle, images, krun, output, nextCount } = await startCounter(t);
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  const restored = spawnInto(output, ['restore', '--image-path', images, '--bundle', bundle.path, bundle.id]);
  await waitFor(async () => ((await stateOf(bundle.id)).status === 'running' ? true : null));
  await nextCount();
  restored.kill('SIGTERM');
  t.deepEqual(await once(restored, 'exit'), [7, null]);
  t.is((await stateOf(bundle.id)).status, 'gone');
  await assertNothingLeft(t, before, bundle);
});

test('pipes at 0 to 2 are replaced by those of restore', async (t) => {
  if (lacksCriu(t)) return;
  const counter = await startCounter(t);
  const { bundle, images } = counter;
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  const shell = (command: string, output: string) =>
    execa('sh', ['-c', `: | ${command} 2>&1 | cat >> ${join(bundle.path, output)}`], {
      env: criuEnvironment,
      stdio: 'ignore',
      reject: false,
    });
  const first = shell(`${krunBinary} run --detach --bundle ${bundle.path} ${bundle.id}`, 'first');
  await waitFor(async () => ((await lastCount(join(bundle.path, 'first'))) > 1 ? true : null));
  t.like(await counter.krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  await first;
  t.regex(await readFile(join(images, 'descriptors.json'), 'utf8'), /^\["pipe:\[\d+\]","pipe:\[\d+\]","pipe:\[\d+\]"\]$/);
  const counted = await lastCount(join(bundle.path, 'first'));
  const second = shell(`${krunBinary} restore --detach --image-path ${images} --bundle ${bundle.path} ${bundle.id}`, 'second');
  const next = await waitFor(async () => (await lastCount(join(bundle.path, 'second'))) || null);
  t.true(next > counted, await readFile(join(bundle.path, 'second'), 'utf8'));
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  await second;
});

test('bind mounts come from where the bundle says at the time of the restore, and read-only stays read-only', async (t) => {
  if (lacksCriu(t)) return;
  const paths: string[] = [];
  const binds = (source: string) => [
    { destination: '/mnt', type: 'bind', source, options: ['rbind', 'ro'] },
    { destination: '/etc/hosts', type: 'bind', source: `${source}/hosts`, options: ['bind'] },
  ];
  const changed = (config: Config, source: string) => ({ ...config, mounts: [...(config.mounts ?? []), ...binds(source)] });
  const source = await makeBundle(t);
  for (const name of ['one', 'two']) {
    const path = join(source.path, name);
    await mkdir(path);
    await Promise.all([writeFile(join(path, 'hosts'), name), writeFile(join(path, 'name'), name)]);
    paths.push(path);
  }
  const [one = '', two = ''] = paths;
  let config: Config | undefined;
  const { bundle, images, krun } = await startCounter(t, (base) => {
    config = base;
    return changed(base, one);
  });
  t.is((await runKrun(['exec', bundle.id, 'cat', '/mnt/name', '/etc/hosts'])).stdout, 'oneone');
  t.like(await krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  if (config === undefined) throw new Error('no config');
  await writeFile(join(bundle.path, 'config.json'), stringifyConfig(changed(config, two)));
  t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  t.is((await runKrun(['exec', bundle.id, 'cat', '/mnt/name', '/etc/hosts'])).stdout, 'twotwo');
  t.regex((await runKrun(['exec', bundle.id, 'sh', '-c', 'echo x > /mnt/new'])).stderr, /Read-only file system/);
  t.is((await runKrun(['exec', bundle.id, 'sh', '-c', 'echo x > /etc/hosts && cat /etc/hosts'])).stdout, 'x');
});

test('masked paths stay masked, limits and devices are those of the bundle', async (t) => {
  if (lacksCriu(t)) return;
  const { bundle, images, krun } = await startCounter(t);
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  t.is((await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id])).status, 0);
  const look =
    'cat /proc/timer_list; ls /proc/acpi; ls /sys/firmware; (echo x > /proc/sys/kernel/domainname) 2>&1; cat /dev/zero | busybox head -c 1 | busybox wc -c';
  const { stdout } = await runKrun(['exec', bundle.id, 'sh', '-c', look]);
  t.regex(stdout, /^[^\n]*Read-only file system\n1$/);
  const denied = await runKrun(['exec', bundle.id, 'sh', '-c', 'busybox mknod /dev/mem c 1 1 2>/dev/null; cat /dev/mem']);
  t.not(denied.status, 0);
});

test('with --manage-cgroups-mode ignore a container still sees its own cgroup alone', async (t) => {
  if (lacksCriu(t)) return;
  const { bundle, images, krun } = await startCounter(t);
  const mode = ['--manage-cgroups-mode', 'ignore', '--image-path', images];
  t.like(await krun(['checkpoint', ...mode, bundle.id]), { status: 0, stderr: '' });
  t.like(await krun(['restore', ...mode, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  t.is((await runKrun(['exec', bundle.id, 'cat', '/proc/1/cgroup'])).stdout.split('\n').at(-1), '0::/');
  const { pid } = await stateOf(bundle.id);
  t.regex(await readFile(`/proc/${pid}/mountinfo`, 'utf8'), new RegExp(` /krun-${bundle.id} /sys/fs/cgroup `));
});

test('a network namespace that config.json names is not dumped, and joined again', async (t) => {
  if (lacksCriu(t)) return;
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const path = `/proc/${holder.pid}/ns/net`;
  const { bundle, images, krun, nextCount } = await startCounter(t, (config) => ({
    ...config,
    linux: { ...config.linux, namespaces: config.linux?.namespaces?.map((each) => (each.type === 'network' ? { ...each, path } : each)) },
  }));
  t.like(await krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  t.is(await readlink(`/proc/${(await stateOf(bundle.id)).pid}/ns/net`), await readlink(path));
  await nextCount();
});

test('what config.json asks for and restore cannot give is refused: labels without their module, intelRdt, netDevices', async (t) => {
  if (lacksCriu(t)) return;
  let config: Config | undefined;
  const { bundle, images, krun } = await startCounter(t, (base) => {
    config = base;
    return base;
  });
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  const refuse = async (changed: object) => {
    await writeFile(join(bundle.path, 'config.json'), stringifyConfig({ ...config, ...changed } as Config));
    return (await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id])).stderr;
  };
  const { linux, process } = config ?? {};
  t.regex(await refuse({ linux: { ...linux, intelRdt: { closID: 'a' } } }), /config\.json#\/linux\/intelRdt[\s\S]*code: E_RESTORE/);
  t.regex(await refuse({ linux: { ...linux, netDevices: { dummy0: {} } } }), /config\.json#\/linux\/netDevices[\s\S]*code: E_RESTORE/);
  if (existsSync('/sys/fs/selinux/enforce')) return;
  t.regex(await refuse({ process: { ...process, selinuxLabel: 'a:b:c:s0' } }), /code: E_NO_LSM/);
});

test('a paused container can be checkpointed, and runs once it is restored', async (t) => {
  if (lacksCriu(t)) return;
  const { bundle, images, krun, nextCount, output } = await startCounter(t);
  t.is((await runKrun(['pause', bundle.id])).status, 0);
  t.like(await krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  await nextCount();
  await assertUnbroken(t, output);
});

test('prestart and createRuntime hooks run on restore, poststop after a checkpoint', async (t) => {
  if (lacksCriu(t)) return;
  const log = (bundle: string) => join(bundle, 'rootfs/tmp/hooks');
  let path = '';
  const hook = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `{ echo ${name}; cat; echo; } >> rootfs/tmp/hooks`] });
  const { bundle, images, krun } = await startCounter(t, (config) => ({
    ...config,
    root: { ...config.root, readonly: false },
    hooks: {
      createRuntime: [hook('createRuntime')],
      poststop: [{ ...hook('poststop'), path: '/bin/sh', args: ['sh', '-c', 'echo poststop >> "$OUT"'], env: ['OUT=/tmp/none'] }],
    },
  }));
  path = log(bundle.path);
  await writeFile(path, '');
  t.like(await krun(['checkpoint', '--image-path', images, bundle.id]), { status: 0, stderr: '' });
  t.like(await krun(['restore', '--image-path', images, '--bundle', bundle.path, '-d', bundle.id]), { status: 0, stderr: '' });
  const [name, state = '{}'] = (await readFile(path, 'utf8')).split('\n');
  t.is(name, 'createRuntime');
  t.like(JSON.parse(state), { id: bundle.id, status: 'creating', pid: (await stateOf(bundle.id)).pid });
});

test('a container that does not run cannot be checkpointed', async (t) => {
  if (lacksCriu(t)) return;
  const bundle = await makeBundle(t, (config) => withArguments(config, ['sleep', '1000']));
  t.teardown(() => removeContainer(bundle.id));
  const env = criuEnvironment;
  t.regex((await runKrun(['checkpoint', bundle.id], { env })).stderr, /code: E_NO_CONTAINER/);
  t.is((await runKrun(['create', '--bundle', bundle.path, bundle.id], { stdio: 'ignore' })).status, 0);
  t.regex((await runKrun(['checkpoint', bundle.id], { env })).stderr, /cannot be checkpointed: \S+ is created[\s\S]*code: E_NOT_RUNNING/);
});

test('restore refuses an id that is taken, images that are not there, and descriptors that are no list', async (t) => {
  if (lacksCriu(t)) return;
  const before = await hostSnapshot();
  const { bundle, images, krun } = await startCounter(t);
  t.is((await krun(['checkpoint', '--leave-running', '--image-path', images, bundle.id])).status, 0);
  const restore = (path: string, id: string) => krun(['restore', '--image-path', path, '--bundle', bundle.path, '-d', id]);
  t.regex((await restore(images, bundle.id)).stderr, /code: E_ID_EXISTS/);
  const other = `${bundle.id}-other`;
  t.regex((await restore(join(images, 'none'), other)).stderr, /is a checkpoint there\?[\s\S]*code: E_RESTORE/);
  await writeFile(join(images, 'descriptors.json'), '{}');
  t.regex((await restore(images, other)).stderr, /is damaged[\s\S]*code: E_RESTORE/);
  t.is((await runKrun(['delete', '--force', bundle.id])).status, 0);
  await assertNothingLeft(t, before, bundle);
});

test('a criu that is missing, too old or no criu is told, and the container runs on', async (t) => {
  if (lacksCriu(t)) return;
  const { bundle, images, nextCount } = await startCounter(t);
  const checkpoint = ['checkpoint', '--image-path', images, bundle.id];
  for (const [text, message] of [
    ['Version: 3.11', /criu 3\.11 is too old: 3\.16 is needed/],
    ['something else', /does not tell its version/],
  ] as const) {
    const path = join(bundle.path, 'criu');
    await writeFile(path, `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
    const refused = await runKrun(checkpoint, { env: { ...process.env, PATH: `${bundle.path}:${process.env.PATH}` } });
    t.is(refused.status, 1);
    t.regex(refused.stderr, message);
    t.regex(refused.stderr, /code: E_NO_CRIU/);
  }
  const hide = 'for d in /usr/sbin /usr/local/sbin; do mount -t tmpfs none $d; done; PATH=/usr/bin:/bin exec "$0" "$@"';
  const missing = await execa('unshare', ['--mount', 'sh', '-c', hide, krunBinary, ...checkpoint], { reject: false });
  t.regex(missing.stderr, /criu is not installed[\s\S]*code: E_NO_CRIU/);
  await nextCount();
});

test('a criu that does not know the kernel says so', async (t) => {
  const installed = installedCriu();
  if (lacksCriu(t) || skipUnless(t, 'an installed criu that is older than the kernel', installed !== null)) return;
  const { bundle, images, nextCount } = await startCounter(t);
  const refused = await runKrun(['checkpoint', '--image-path', images, bundle.id]);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /hint: this criu does not know this kernel: install a newer one/);
  t.regex(refused.stderr, /code: E_CHECKPOINT/);
  await nextCount();
});

/** Where the distribution's own criu fails its check. */
function installedCriu(): string | null {
  try {
    execFileSync('criu', ['check'], { stdio: 'ignore', env: { ...process.env, PATH: '/usr/sbin:/usr/bin' } });
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? null : 'criu';
  }
}

test('a terminal of its own is handed over again by restore, to the console socket', async (t) => {
  if (lacksCriu(t)) return;
  const bundle = await makeBundle(t, (config) => ({ ...config, process: { ...config.process, terminal: true, args: ['sh'] } }));
  t.teardown(() => removeContainer(bundle.id));
  const images = join(bundle.path, 'images');
  const [first, second] = [await listen(t, bundle.path, 'first'), await listen(t, bundle.path, 'second')];
  t.is((await runKrun(['run', '-d', '--bundle', bundle.path, '--console-socket', first.path, bundle.id])).status, 0);
  t.like(JSON.parse(await first.lines()), { terminal: true });
  first.type('a=42; echo set to $a\r');
  await lineOf(first, 'set to 42');
  const env = criuEnvironment;
  t.like(await runKrun(['checkpoint', '--image-path', images, bundle.id], { env }), { status: 0, stderr: '' });
  const restore = ['restore', '--image-path', images, '--bundle', bundle.path, '-d'];
  t.like(await runKrun([...restore, '--console-socket', second.path, bundle.id], { env }), { status: 0, stderr: '' });
  t.like(JSON.parse(await second.lines()), { count: 1, terminal: true, name: '/dev/ptmx' });
  second.type('echo still $a at $(busybox tty)\r');
  await lineOf(second, 'still 42 at /dev/pts/0');
});

test("in the foreground restore is at the caller's terminal", async (t) => {
  if (lacksCriu(t)) return;
  const bundle = await makeBundle(t, (config) => ({ ...config, process: { ...config.process, terminal: true, args: ['sh'] } }));
  t.teardown(() => removeContainer(bundle.id));
  const images = join(bundle.path, 'images');
  const first = await listen(t, bundle.path, 'first');
  t.is((await runKrun(['run', '-d', '--bundle', bundle.path, '--console-socket', first.path, bundle.id])).status, 0);
  first.type('a=42; echo set to $a\r');
  await lineOf(first, 'set to 42');
  t.is((await runKrun(['checkpoint', '--image-path', images, bundle.id], { env: criuEnvironment })).status, 0);
  const restore = [krunBinary, 'restore', '--image-path', images, '--bundle', bundle.path, bundle.id];
  const person = sitDown(t, '/usr/bin/env', [`PATH=${criuEnvironment.PATH}`, ...restore]);
  await waitFor(async () => ((await stateOf(bundle.id)).status === 'running' ? true : null));
  person.type('echo still $((a + 1)); exit $a\r');
  await person.see('still 43');
  t.is((await person.end).exitCode, 42);
  t.is((await stateOf(bundle.id)).status, 'gone');
});

test('a bundle with a terminal and a checkpoint without are told apart, both ways', async (t) => {
  if (lacksCriu(t)) return;
  let config: Config | undefined;
  const { bundle, images, krun } = await startCounter(t, (base) => {
    config = base;
    return base;
  });
  t.is((await krun(['checkpoint', '--image-path', images, bundle.id])).status, 0);
  const restore = () => krun(['restore', '--image-path', images, '--bundle', bundle.path, bundle.id]);
  await writeFile(
    join(bundle.path, 'config.json'),
    stringifyConfig({ ...config, process: { ...config?.process, terminal: true } } as Config),
  );
  t.regex((await restore()).stderr, /process\.terminal is true, but the checkpoint has no terminal[\s\S]*code: E_RESTORE/);
  await writeFile(join(bundle.path, 'config.json'), stringifyConfig(config as Config));
  await writeFile(join(images, 'descriptors.json'), '["/dev/pts/0","/dev/pts/0","/dev/pts/0"]');
  t.regex((await restore()).stderr, /process\.terminal is false, but the checkpoint has one[\s\S]*code: E_RESTORE/);
});

async function lineOf({ lines }: Pick<Listener, 'lines'>, text: string): Promise<void> {
  while (!(await lines()).trimEnd().endsWith(text));
}

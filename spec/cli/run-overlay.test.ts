import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withProcess, withUserNamespace, writableRoot } from '../support/change-config.ts';
import { type KrunResult, runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const shell = (script: string, change: ConfigChange = writableRoot) => all(change, withProcess({ args: ['/bin/sh', '-c', script] }));

test('--ephemeral lets the process write everywhere, and the root file system is unchanged', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, result } = await runLayered(
    t,
    ['--ephemeral'],
    shell('echo changed > /etc/hosts; rm /etc/passwd; echo > /new; cat /etc/hosts'),
  );
  t.like(result, { status: 0, stdout: 'changed', stderr: '' });
  t.is(await readFile(join(bundle.rootfs, 'etc/hosts'), 'utf8'), '127.0.0.1 localhost\n');
  t.true((await readdir(bundle.rootfs)).every((name) => name !== 'new'));
  t.true((await readdir(join(bundle.rootfs, 'etc'))).includes('passwd'));
});

test('--ephemeral makes mount points and cwd in the layer above only', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change: ConfigChange = (config) => ({
    ...shell('pwd')(config),
    mounts: [...(config.mounts ?? []), { destination: '/made/for/mount', type: 'tmpfs', source: 'tmpfs' }],
  });
  const { bundle, result } = await runLayered(
    t,
    ['--ephemeral'],
    all(change, withProcess({ cwd: '/made/for/cwd', args: ['/bin/sh', '-c', 'pwd'] })),
  );
  t.is(result.stdout, '/made/for/cwd', result.stderr);
  t.false((await readdir(bundle.rootfs)).includes('made'));
});

test('--ephemeral with root.readonly is read-only all the same', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { result } = await runLayered(
    t,
    ['--ephemeral'],
    shell('echo > /new', (config) => config),
  );
  t.not(result.status, 0);
  t.regex(result.stderr, /Read-only file system/);
});

test('--ephemeral works in a user namespace whose root owns the root file system', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, all(withUserNamespace(), shell('echo x > /tmp/new; cat /tmp/new; id -u')));
  await execa('chown', ['-R', '100000:100000', bundle.rootfs]);
  const result = await runKrun(['run', '--ephemeral', '--bundle', bundle.path, bundle.id]);
  t.like(result, { status: 0, stdout: 'x\n0', stderr: '' });
  t.deepEqual(await readdir(join(bundle.rootfs, 'tmp')), []);
});

test('each of two ephemeral containers of one bundle sees its own writes', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, shell('[ ! -e /mark ] && echo > /mark && echo alone'));
  const results = await Promise.all(
    ['a', 'b', 'c'].map((suffix) => runKrun(['run', '--ephemeral', '--bundle', bundle.path, `${bundle.id}-${suffix}`])),
  );
  t.deepEqual(
    results.map(({ stdout }) => stdout),
    ['alone', 'alone', 'alone'],
  );
});

test('--overlay-upper keeps what is written, and the next run sees it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, shell('cat /kept 2>/dev/null; echo more >> /kept'));
  const flags = ['--overlay-upper', 'upper', '--overlay-work', 'work'];
  for (const name of ['upper', 'work']) await mkdir(join(bundle.path, name));
  const run = () => runKrun(['run', ...flags, bundle.id], { cwd: bundle.path });
  t.like(await run(), { status: 0, stdout: '' });
  t.like(await run(), { status: 0, stdout: 'more' });
  t.is(await readFile(join(bundle.path, 'upper/kept'), 'utf8'), 'more\nmore\n');
  t.false((await readdir(bundle.rootfs)).includes('kept'));
});

test('--overlay-lower shows layers below the root file system, the topmost first', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, shell('cat /layer /both /etc/hosts'));
  for (const name of ['one', 'two']) {
    await mkdir(join(bundle.path, name, 'etc'), { recursive: true });
    await writeFile(join(bundle.path, name, 'both'), `both from ${name}\n`);
    await writeFile(join(bundle.path, name, 'etc/hosts'), 'never seen\n');
  }
  await writeFile(join(bundle.path, 'two/layer'), 'only in two\n');
  const { stdout, stderr } = await runKrun(['run', '--overlay-lower', 'one', '--overlay-lower', 'two', bundle.id], { cwd: bundle.path });
  t.is(stdout, 'only in two\nboth from one\n127.0.0.1 localhost', stderr);
});

test('a layer that is missing, and upper without work, are errors that name the flag or the path', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const missing = await runKrun(['run', '--overlay-lower', '/nowhere', '--bundle', bundle.path, bundle.id]);
  t.is(missing.status, 1);
  t.regex(missing.stderr, /\/nowhere[\s\S]*code: E_ROOTFS/);
  const half = await runKrun(['run', '--overlay-upper', '/tmp', '--bundle', bundle.path, bundle.id]);
  t.regex(half.stderr, /--overlay-work[\s\S]*code: E_USAGE/);
});

test('the modes and owners of the root file system show through the layer above', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, result } = await runLayered(t, ['--ephemeral'], shell('stat -c "%a %u" / /tmp /etc/passwd'));
  const modes = await Promise.all(
    ['', 'tmp', 'etc/passwd'].map(async (name) => {
      const { mode, uid } = await stat(join(bundle.rootfs, name));
      return `${(mode & 0o7777).toString(8)} ${uid}`;
    }),
  );
  t.deepEqual(result.stdout.split('\n'), modes);
});

async function runLayered(
  t: ExecutionContext,
  flags: readonly string[],
  change: ConfigChange,
): Promise<{ bundle: Bundle; result: KrunResult }> {
  const bundle = await makeBundle(t, change);
  return { bundle, result: await runKrun(['run', ...flags, '--bundle', bundle.path, bundle.id]) };
}

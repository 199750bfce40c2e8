import { chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type Mount, readConfig } from '../../runtime/config/config.ts';
import { stringifyConfig } from '../../runtime/config/stringify.ts';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { all, type ConfigChange, isRoot, withLinux, withMounts, withUserNamespace, writableRoot } from '../support/change-config.ts';
import { type KrunResult, runActions, runKrun, runProbe, startContainer, withArguments } from '../support/krun.ts';
import type { Outcome, ProbeReport, SeenMount } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const { EROFS, EACCES, ELOOP } = constants.errno;

const tmpfs = (destination: string, ...options: string[]): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs', options });

// What each option shows as in mountinfo, among the options of the mount, when it stands last.
const shown: Readonly<Record<string, string | RegExp>> = {
  ro: /^ro,/,
  rw: /^rw,/,
  nosuid: /,nosuid/,
  nodev: /,nodev/,
  noexec: /,noexec/,
  noatime: /,noatime/,
  nodiratime: /,nodiratime/,
  relatime: /,relatime/,
  strictatime: /^rw$/,
  nosymfollow: /,nosymfollow/,
};

test('each flag of a mount is an option of the mount in mountinfo, and only it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(t, withMounts(...Object.keys(shown).map((option) => tmpfs(`/mnt/${option}`, option))));
  for (const [option, expected] of Object.entries(shown)) {
    const options = find(seen, `/mnt/${option}`)?.options.join(',') ?? 'not mounted';
    t.regex(options, new RegExp(expected), option);
    for (const other of ['nosuid', 'nodev', 'noexec', 'nosymfollow', 'nodiratime'])
      if (other !== option) t.notRegex(options, new RegExp(other), `${option}: ${options}`);
  }
});

test('of two opposite options the later one holds', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const pairs = [
    ['ro', 'rw'],
    ['nosuid', 'suid'],
    ['nodev', 'dev'],
    ['noexec', 'exec'],
    ['nosymfollow', 'symfollow'],
  ];
  const seen = await runProbe(t, withMounts(...pairs.map((pair) => tmpfs(`/mnt/${pair.join('-')}`, ...pair))));
  for (const pair of pairs) t.deepEqual(find(seen, `/mnt/${pair.join('-')}`)?.options, ['rw', 'relatime'], pair.join());
});

test('options of the file system reach the superblock: size, mode, uid, gid, inodes', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const mount = tmpfs('/mnt/t', 'size=1m', 'mode=1730', 'uid=3', 'gid=4', 'nr_inodes=50');
  const seen = await runProbe(t, withMounts(mount));
  const options = find(seen, '/mnt/t')?.superOptions ?? [];
  for (const option of ['size=1024k', 'mode=1730', 'uid=3', 'gid=4', 'nr_inodes=50']) t.true(options.includes(option), options.join());
});

test('a bind mount shows a file or directory of the host at its destination, which is made as file or directory', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data/below', 'empty'], (path) => [
    bind(`${path}/data`, '/new/directory'),
    bind(`${path}/data/file`, '/new/file'),
    bind('data/below', '/relative'), // to the bundle
  ]);
  const outcomes = await actions(t, bundle, ['read', '/new/directory/file'], ['read', '/new/file'], ['list', '/relative']);
  t.deepEqual([outcomes[0]?.content, outcomes[1]?.content, outcomes[2]?.names], ['content', 'content', []]);
  t.true((await stat(join(bundle.rootfs, 'new/directory'))).isDirectory());
  t.true((await stat(join(bundle.rootfs, 'new/file'))).isFile());
});

test('ro on a bind mount is of this mount alone, rro of all below too, and the host keeps its own', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data/below'], (path) => [
    { ...bind(`${path}/data`, '/mnt/ro'), options: ['rbind', 'ro'] },
    { ...bind(`${path}/data`, '/mnt/rro'), options: ['rbind', 'rro'] },
    { ...bind(`${path}/data`, '/mnt/rnosuid'), options: ['rbind', 'rnosuid', 'rnodev', 'rnoexec', 'rnoatime'] },
  ]);
  await hostMount(t, ['-t', 'tmpfs', 'tmpfs', join(bundle.path, 'data/below')]);
  const write = (path: string) => ['create', path];
  const outcomes = await actions(t, bundle, write('/mnt/ro/x'), write('/mnt/ro/below/x'), write('/mnt/rro/y'), write('/mnt/rro/below/y'));
  t.deepEqual(errnos(outcomes), [EROFS, 0, EROFS, EROFS]);
  const seen = await probe(t, bundle);
  for (const place of ['/mnt/rnosuid', '/mnt/rnosuid/below'])
    for (const option of ['nosuid', 'nodev', 'noexec', 'noatime'])
      t.true(find(seen, place)?.options.includes(option), `${place} ${option}`);
  await writeFile(join(bundle.path, 'data/below/z'), '');
});

test('a bind mount keeps the flags that its source has and no option names', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data'], (path) => [{ ...bind(`${path}/data`, '/mnt/a'), options: ['bind', 'nodev'] }]);
  await hostMount(t, ['-t', 'tmpfs', '-o', 'nosuid,noexec,noatime', 'tmpfs', join(bundle.path, 'data')]);
  const options = find(await probe(t, bundle), '/mnt/a')?.options ?? [];
  for (const option of ['nosuid', 'noexec', 'noatime', 'nodev']) t.true(options.includes(option), options.join());
});

test('bind does not show what is mounted below its source, rbind does', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data/below'], (path) => [
    { ...bind(`${path}/data`, '/mnt/flat'), options: ['bind'] },
    { ...bind(`${path}/data`, '/mnt/deep'), options: ['rbind'] },
  ]);
  await hostMount(t, ['-t', 'tmpfs', 'tmpfs', join(bundle.path, 'data/below')]);
  await writeFile(join(bundle.path, 'data/below/mark'), '');
  const [flat, deep] = await actions(t, bundle, ['list', '/mnt/flat/below'], ['list', '/mnt/deep/below']);
  t.deepEqual([flat?.names, deep?.names], [[], ['mark']]);
});

test('the options private, slave, shared and unbindable are the propagation of the mount, and without one it is private', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data'], (path) =>
    ['private', 'slave', 'shared', 'unbindable', 'rprivate', 'rslave', 'rshared', 'runbindable', 'none'].map((propagation) => ({
      destination: `/mnt/${propagation}`,
      source: `${path}/data`,
      options: ['rbind', ...(propagation === 'none' ? [] : [propagation])],
    })),
  );
  await hostMount(t, ['-t', 'tmpfs', '--make-shared', 'tmpfs', join(bundle.path, 'data')]);
  const seen = await probe(t, bundle);
  const expected = { private: /^$/, none: /^$/, slave: /^master:\d+$/, shared: /^shared:\d+/, unbindable: /^unbindable$/ };
  for (const [name, pattern] of Object.entries(expected)) {
    t.regex(find(seen, `/mnt/${name}`)?.propagation.join(' ') ?? 'not mounted', pattern, name);
    if (name !== 'none') t.regex(find(seen, `/mnt/r${name}`)?.propagation.join(' ') ?? 'not mounted', pattern, `r${name}`);
  }
});

test('linux.rootfsPropagation is the propagation of the root', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const expected = { private: /^$/, shared: /^shared:\d+$/, unbindable: /^unbindable$/ } as const;
  for (const [rootfsPropagation, pattern] of Object.entries(expected)) {
    const seen = await runProbe(t, withLinux({ rootfsPropagation: rootfsPropagation as keyof typeof expected }));
    t.regex(find(seen, '/')?.propagation.join(' ') ?? '', pattern, rootfsPropagation);
  }
});

test('an idmapped mount shows the owners as mapped, and files made in it belong to the mapped ids on the host', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const mapping = [{ containerID: 0, hostID: 100_005, size: 10 }];
  const bundle = await bundleWith(
    t,
    ['data', 'rootfs/mnt/by-mount', 'rootfs/mnt/by-namespace'],
    (path) => [
      { ...bind(`${path}/data`, '/mnt/by-mount'), options: ['bind', 'idmap'], uidMappings: mapping, gidMappings: mapping },
      { ...bind(`${path}/data`, '/mnt/by-namespace'), options: ['bind', 'idmap'] },
    ],
    withUserNamespace(),
  );
  await chown(join(bundle.path, 'data/file'), 0, 0);
  const [byMount, byNamespace, make] = await actions(
    t,
    bundle,
    ['stat', '/mnt/by-mount/file'],
    ['stat', '/mnt/by-namespace/file'],
    ['create', '/mnt/by-namespace/made'],
  );
  t.like(byMount, { uid: 5, gid: 5 });
  t.like(byNamespace, { uid: 0, gid: 0 });
  t.is(make?.errno, 0);
  t.is((await stat(join(bundle.path, 'data/made'))).uid, 0);
});

test('an idmapped mount has its own mappings without a user namespace too', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const mapping = [{ containerID: 7, hostID: 9, size: 1 }];
  const bundle = await bundleWith(t, ['data'], (path) => [
    { ...bind(`${path}/data`, '/mnt/a'), options: ['bind'], uidMappings: mapping, gidMappings: mapping },
  ]);
  await chown(join(bundle.path, 'data/file'), 7, 7);
  const [seen] = await actions(t, bundle, ['stat', '/mnt/a/file']);
  t.like(seen, { uid: 9, gid: 9 });
});

test('tmpcopyup fills a tmpfs with what was below it, and leaves that as it was', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change = all(writableRoot, withMounts(tmpfs('/etc', 'tmpcopyup')));
  const bundle = await makeBundle(t, (config) => change(config));
  const outcomes = await actions(t, bundle, ['read', '/etc/hosts'], ['create', '/etc/new'], ['unlink', '/etc/hosts']);
  t.is(outcomes[0]?.content, '127.0.0.1 localhost\n');
  t.deepEqual(errnos(outcomes.slice(1)), [0, 0]);
  t.deepEqual((await readdir(join(bundle.rootfs, 'etc'))).sort(), ['group', 'hosts', 'passwd']);
});

test('noexec, nosymfollow and nodev mean what they say', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await bundleWith(t, ['data'], (path) => [
    { ...bind(`${path}/data`, '/mnt/a'), options: ['bind', 'noexec', 'nosymfollow', 'nodev'] },
  ]);
  await symlink('file', join(bundle.path, 'data/link'));
  await execa('mknod', [join(bundle.path, 'data/null'), 'c', '1', '3']);
  const outcomes = await actions(t, bundle, ['read', '/mnt/a/link'], ['open-device', '/mnt/a/null']);
  t.deepEqual(errnos(outcomes), [ELOOP, EACCES]);
  await execa('cp', ['/bin/busybox', join(bundle.path, 'data/busybox')]);
  const { status, stderr } = await run(bundle, ['/mnt/a/busybox', 'true']);
  t.not(status, 0);
  t.regex(stderr, /noexec[\s\S]*code: E_NOT_EXECUTABLE/);
});

test('masked files are empty and masked directories too, readonly paths refuse writes, and missing ones are skipped', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change = all(
    writableRoot,
    withLinux({ maskedPaths: ['/etc/hosts', '/home', '/nowhere'], readonlyPaths: ['/etc', '/tmp', '/nowhere/either'] }),
  );
  const outcomes = await runActions(
    t,
    change,
    ['read', '/etc/hosts'],
    ['list', '/home'],
    ['create', '/home/x'],
    ['create', '/etc/x'],
    ['create', '/tmp/x'],
    ['create', '/var/x'],
    ['stat', '/nowhere'],
  );
  t.deepEqual([outcomes[0]?.content, outcomes[1]?.names], ['', []]);
  t.deepEqual(errnos(outcomes.slice(2)), [EROFS, EROFS, EROFS, 0, 2]);
});

test('root.readonly is of the root alone: what is mounted on it stays writable', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const outcomes = await runActions(t, withMounts(tmpfs('/mnt')), ['create', '/x'], ['create', '/mnt/x'], ['create', '/dev/shm/x']);
  t.deepEqual(errnos(outcomes), [EROFS, 0, 0]);
});

test('linux.devices are made with number, mode and owner, and pipes too', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const devices = [
    { path: '/dev/my-null', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 12, gid: 34 },
    { path: '/dev/deep/loop', type: 'b', major: 7, minor: 200 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o600 },
  ] as const;
  const seen = await runProbe(t, withLinux({ devices }));
  t.like(seen.devices?.['my-null'], { type: 'c', major: 1, minor: 3, mode: 0o640, uid: 12, gid: 34 });
  t.like(seen.devices?.pipe, { type: 'p', mode: 0o600, uid: 0, gid: 0 });
  const [loop] = await runActions(t, withLinux({ devices }), ['stat', '/dev/deep/loop']);
  t.like(loop, { major: 7, minor: 200 });
});

test('in a user namespace the default devices are those of the host, and usable', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const outcomes = await runActions(
    t,
    withUserNamespace(),
    ['write', '/dev/null', 'x'],
    ['read', '/dev/null'],
    ['open-device', '/dev/zero'],
  );
  t.deepEqual(errnos(outcomes), [0, 0, 0]);
  const seen = await runProbe(t, withUserNamespace());
  t.like(seen.devices?.random, { type: 'c', major: 1, minor: 8 });
});

test('devpts is an instance of its own, with ptmx', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [list, ptmx, link] = await runActions(
    t,
    (config) => config,
    ['list', '/dev/pts'],
    ['open-device', '/dev/ptmx', '2'],
    ['stat', '/dev/ptmx'],
  );
  t.deepEqual(list?.names, ['ptmx']);
  t.is(ptmx?.errno, 0);
  t.is(link?.target, 'pts/ptmx');
});

test('a later mount may lie on an earlier one, and mounts keep their order', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(t, withMounts(tmpfs('/mnt'), tmpfs('/mnt/inner/deep', 'ro'), tmpfs('/mnt/inner')));
  const order = seen.mounts?.map(({ destination }) => destination).filter((destination) => destination.startsWith('/mnt'));
  t.deepEqual(order, ['/mnt', '/mnt/inner/deep', '/mnt/inner']);
});

test('remount changes the options of what is mounted already', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(
    t,
    withMounts(tmpfs('/mnt', 'size=1m'), { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['remount', 'ro', 'size=2m'] }),
  );
  t.is(seen.mounts?.filter(({ destination }) => destination === '/mnt').length, 1);
  t.true(find(seen, '/mnt')?.options.includes('ro') || find(seen, '/mnt')?.superOptions.includes('ro'));
  t.true(find(seen, '/mnt')?.superOptions.includes('size=2048k'));
});

test('the host sees no mount of a container that runs', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { bundle, end, result } = await startContainer(t, withMounts(tmpfs('/mnt')));
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(bundle.path));
  t.deepEqual(lines, []);
  end();
  t.like(await result, { status: 0, stderr: '' });
});

test('a symbolic link in the root file system leads a destination to its target in there', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, (config) => withMounts(tmpfs('/link/below'))(config));
  await symlink('/var', join(bundle.rootfs, 'link'));
  const seen = await probe(t, bundle);
  t.truthy(find(seen, '/var/below'));
});

function bind(source: string, destination: string): Mount {
  return { destination, source, options: ['bind'] };
}

// A bundle with directories beside its root file system, data/file among them.
async function bundleWith(
  t: ExecutionContext,
  directories: readonly string[],
  mounts: (path: string) => readonly Mount[],
  change: ConfigChange = (config) => config,
): Promise<Bundle> {
  const bundle = await makeBundle(t);
  for (const directory of directories) await mkdir(join(bundle.path, directory), { recursive: true });
  if (directories.some((directory) => directory.startsWith('data'))) await writeFile(join(bundle.path, 'data/file'), 'content');
  await rewrite(bundle, all(writableRoot, change, withMounts(...mounts(bundle.path))));
  return bundle;
}

async function rewrite(bundle: Bundle, change: ConfigChange): Promise<void> {
  const file = join(bundle.path, 'config.json');
  await writeFile(file, stringifyConfig(change(readConfig(await readFile(file, 'utf8')))));
}

async function run(bundle: Bundle, args: readonly string[]): Promise<KrunResult> {
  await rewrite(bundle, (config) => withArguments(config, args));
  return runKrun(['run', '--bundle', bundle.path, bundle.id]);
}

async function probe(t: ExecutionContext, bundle: Bundle): Promise<ProbeReport> {
  const { status, stdout, stderr } = await run(bundle, ['/probe']);
  t.is(status, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}

async function actions(t: ExecutionContext, bundle: Bundle, ...tried: readonly (readonly string[])[]): Promise<Outcome[]> {
  const words = tried.flatMap((action, index) => (index === 0 ? action : [',', ...action]));
  const { status, stdout, stderr } = await run(bundle, ['/probe', ...words]);
  t.is(status, 0, stderr);
  const parsed = JSON.parse(stdout) as Outcome | Outcome[];
  return Array.isArray(parsed) ? parsed : [parsed];
}

async function hostMount(t: ExecutionContext, words: readonly string[]): Promise<void> {
  await execa('mount', words);
  t.teardown(async () => void (await execa('umount', ['-l', words.at(-1) ?? ''])));
}

function find({ mounts }: ProbeReport, destination: string): SeenMount | undefined {
  return mounts?.findLast((mount) => mount.destination === destination);
}

function errnos(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map(({ errno }) => errno);
}

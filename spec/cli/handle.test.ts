import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import test from 'ava';
import { handleCommand } from '../../runtime/cli/handle.ts';
import type { Caller } from '../../runtime/container/caller.ts';
import { version } from '../../runtime/version.ts';
import { callerOf, type Effect, effectOf } from '../support/caller.ts';

async function call(argv: readonly string[], overrides: Partial<Caller> = {}): Promise<Effect> {
  return effectOf(await handleCommand(callerOf(argv, overrides)));
}

test('krun alone, --help, help and help of a command go to stdout with status 0', async (t) => {
  for (const argv of [[], ['--help'], ['-h'], ['help'], ['run', '--help'], ['help', 'run'], ['state', '-h']]) {
    const { stdout, stderr, status } = await call(argv);
    t.regex(stdout, /^krun \[GLOBAL FLAGS\] /, argv.join(' '));
    t.is(stderr, '');
    t.is(status, 0);
  }
  t.regex((await call(['help', 'delete'])).stdout, /--force/);
  t.regex((await call(['help', 'delet'])).stderr, /did you mean delete/);
});

test("--version begins with krun's own name, and has the lines that dockerd and podman read", async (t) => {
  for (const argv of [['--version'], ['-v'], ['version']]) {
    const { stdout, status } = await call(argv);
    t.regex(stdout, new RegExp(`^krun version ${version}\ncommit: \\S+\nspec: 1\\.3\\.0\n`));
    t.is(stdout.split('\n').filter((line) => line.includes('version')).length, 1, 'dockerd takes the last line with this word');
    t.is(status, 0);
  }
});

test('the version is that of package.json', (t) => {
  t.is(version, JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
});

test('a mistake in the arguments is status 1, on stderr only', async (t) => {
  for (const argv of [['frobnicate'], ['run', '--nonsense'], ['state'], ['--root'], ['kill', 'c1', 'NOSIG'], ['delete', 'a/b']]) {
    const { stdout, stderr, status } = await call(argv);
    t.is(stdout, '');
    t.regex(stderr, /^krun: /);
    t.is(status, 1, argv.join(' '));
  }
});

test('a mistake is reported in the log that the same arguments name, relative to the caller', async (t) => {
  const { files, stderr } = await call(['--log', 'l.json', '--log-format', 'json', 'frobnicate'], { cwd: '/here' });
  t.is(JSON.parse(files['/here/l.json'] ?? '').code, 'E_USAGE');
  t.regex(stderr, /^krun: unknown command/);
});

test('--log /dev/stderr is stderr: the error stands there once', async (t) => {
  const { files, stderr } = await call(['--log', '/dev/stderr', '--log-format', 'json', 'frobnicate']);
  t.deepEqual(files, {});
  t.is(JSON.parse(stderr).code, 'E_USAGE');
});

test('a fault of krun itself becomes a report too', async (t) => {
  const broken = callerOf(['spec'], { cwd: undefined as unknown as string });
  const { stderr, status } = effectOf(await handleCommand(broken));
  t.regex(stderr, /code: E_INTERNAL/);
  t.is(status, 1);
});

test('completion prints a script for the shell, or the words that fit', async (t) => {
  t.regex((await call(['completion'])).stdout, /complete .* krun\n/);
  t.regex((await call(['completion', 'zsh'])).stdout, /compdef _krun krun/);
  t.regex((await call(['completion', 'fish'])).stdout, /complete -c krun/);
  t.is((await call(['completion', 'tcsh'])).status, 1);
  t.is((await call(['completion', '--', 'li'])).stdout, 'list\tlist the containers below --root\n');
});

test('features claims what engines look for', async (t) => {
  const features = JSON.parse((await call(['features'])).stdout);
  t.is(features.ociVersionMax, '1.3.0');
  t.true(features.mountOptions.includes('rro'));
  t.true(features.linux.namespaces.includes('user'));
  t.true(features.linux.mountExtensions.idmap.enabled);
  t.deepEqual(features.hooks, ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']);
  t.true(features.linux.seccomp.actions.includes('SCMP_ACT_NOTIFY'));
  t.deepEqual(
    [features.linux.apparmor, features.linux.selinux, features.linux.intelRdt, features.linux.netDevices].map(({ enabled }) => enabled),
    [true, true, true, true],
  );
});

// Which files and packages are loaded before the first dynamic import.
function staticImports(file: URL, seen = new Map<string, string>()): ReadonlyMap<string, string> {
  if (seen.has(file.href)) return seen;
  const source = readFileSync(file, 'utf8');
  seen.set(file.href, '');
  for (const [, types, name = ''] of source.matchAll(/^(?:import|export)( type)?\s+(?:[\w*{][^;'"]*\sfrom\s+)?['"]([^'"]+)['"];/gm)) {
    if (types !== undefined) continue;
    if (name.startsWith('.')) staticImports(new URL(name, file), seen);
    else seen.set(name, file.href);
  }
  return seen;
}

const onTheWay = [
  'supervisor/start.ts',
  'cli/handle.ts',
  'cli/commands/run.ts',
  'cli/commands/state.ts',
  'cli/commands/delete.ts',
  'cli/commands/kill.ts',
];
for (const entry of onTheWay) {
  test(`the way to a start by ${entry} loads no package, and of Node only what costs nothing`, (t) => {
    const loaded = staticImports(new URL(`../../runtime/${entry}`, import.meta.url));
    const packages = [...loaded.keys()].filter((name) => !name.startsWith('file:'));
    t.deepEqual(
      packages.filter((name) => !isBuiltin(name)),
      [],
    );
    t.deepEqual(
      packages.filter((name) => !['node:fs', 'node:path', 'node:os', 'node:process', 'node:crypto'].includes(name)),
      [],
    );
    t.deepEqual(
      [...loaded.keys()].filter((name) => /cold-commands|handle-failure|yargs|explain/.test(name)),
      [],
    );
  });
}

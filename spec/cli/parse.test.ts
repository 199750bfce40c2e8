import test from 'ava';
import { type CommandName, commandTable } from '../../runtime/cli/commands.ts';
import { type Flag, flagsOf } from '../../runtime/cli/flags.ts';
import { parse } from '../../runtime/cli/parse.ts';

const commands = Object.keys(commandTable) as CommandName[];

test('a flag may be written --flag value, --flag=value, -flag value and by its short name', (t) => {
  for (const argv of [['--bundle', 'b'], ['--bundle=b'], ['-bundle', 'b'], ['-bundle=b'], ['-b', 'b'], ['-b=b']]) {
    const { flags, positionals, problem } = parse(['run', ...argv, 'c1']);
    t.is(problem, null);
    t.is(flags.get('bundle'), 'b');
    t.deepEqual(positionals, ['c1']);
  }
});

test('a value may begin with a dash or be empty', (t) => {
  t.is(parse(['run', '--bundle', '-x', 'c1']).flags.get('bundle'), '-x');
  t.is(parse(['run', '--bundle=', 'c1']).flags.get('bundle'), '');
  t.is(parse(['run', '--bundle=a=b', 'c1']).flags.get('bundle'), 'a=b');
});

test("a switch takes Go's words for true and false, only after =", (t) => {
  for (const word of ['1', 't', 'T', 'true', 'TRUE', 'True']) t.is(parse(['delete', `--force=${word}`, 'c1']).flags.get('force'), true);
  for (const word of ['0', 'f', 'F', 'false', 'FALSE', 'False']) t.is(parse(['delete', `--force=${word}`, 'c1']).flags.get('force'), false);
  t.deepEqual(parse(['delete', '-force', 'false']).positionals, ['false']);
  t.is(parse(['delete', '--force=maybe', 'c1']).problem?.message, 'invalid value "maybe" for --force: must be true or false');
});

test('a number is decimal digits', (t) => {
  t.is(parse(['run', '--preserve-fds', '3', 'c1']).flags.get('preserve-fds'), 3);
  for (const text of ['', '-1', '1.5', '0x3', '1e3', 'many', '99999999999']) {
    t.is(parse(['run', `--preserve-fds=${text}`, 'c1']).problem?.code, 'E_USAGE', text);
  }
});

test('a list grows with each of its flags, everything else takes the last one', (t) => {
  t.deepEqual(parse(['run', '--overlay-lower', 'a', '--overlay-lower=b', 'c1']).flags.get('overlay-lower'), ['a', 'b']);
  t.is(parse(['--root', 'a', '--root=b', 'list']).globals.get('root'), 'b');
  t.is(parse(['--systemd-cgroup', '--systemd-cgroup', 'list']).globals.get('systemd-cgroup'), true);
});

test('flags may follow positional arguments', (t) => {
  const { flags, positionals } = parse(['run', 'c1', '--bundle', 'b', '--keep']);
  t.deepEqual(positionals, ['c1']);
  t.is(flags.get('bundle'), 'b');
  t.is(flags.get('keep'), true);
});

test('in kill everything after the id is positional, so that a signal may look like a flag', (t) => {
  t.deepEqual(parse(['kill', 'c1', '-9']).positionals, ['c1', '-9']);
  t.deepEqual(parse(['kill', '--all', 'c1', '9']).flags.get('all'), true);
});

test('what follows -- is positional, or the program where a command takes one', (t) => {
  t.deepEqual(parse(['state', '--', '-c1']).positionals, ['-c1']);
  const { positionals, program } = parse(['run', '--rootfs', 'r', '--', 'ls', '--all', '--']);
  t.deepEqual(positionals, []);
  t.deepEqual(program, ['ls', '--all', '--']);
  t.is(parse(['run', 'c1']).program, null);
});

test('a global flag may stand after the command, unless the command has one of that name', (t) => {
  t.is(parse(['list', '--root', '/r']).globals.get('root'), '/r');
  const line = parse(['--rootless', 'true', 'spec', '--rootless']);
  t.is(line.globals.get('rootless'), 'true');
  t.is(line.flags.get('rootless'), true);
});

test('every flag reads its default', (t) => {
  const { globals } = parse([]);
  t.deepEqual(Object.fromEntries(globals), { 'log-format': 'text', 'cgroup-manager': 'cgroupfs', rootless: 'auto' });
  t.is(parse(['list']).flags.get('format'), 'table');
});

for (const command of [null, ...commands]) {
  for (const flag of flagsOf(command).filter(({ type }) => type !== 'boolean')) {
    test(`${command ?? 'krun'} --${flag.name} without its value says "flag needs an argument"`, (t) => {
      const { problem } = parse([...(command === null ? [] : [command]), `--${flag.name}`]);
      t.is(problem?.code, 'E_USAGE');
      t.true(problem?.message.includes('flag needs an argument'));
    });
  }
}

test('a choice outside of its list is refused with the list', (t) => {
  t.is(parse(['--log-format', 'xml', 'list']).problem?.message, 'invalid value "xml" for --log-format: must be one of text, json');
});

test('an unknown flag is refused as it was written, with the nearest name', (t) => {
  const { problem } = parse(['run', '--bundel=x', 'c1']);
  t.is(problem?.code, 'E_USAGE');
  t.is(problem?.message, 'unknown flag --bundel for "run"');
  t.is(problem?.hint, 'did you mean --bundle?');
  t.is(parse(['-x', 'list']).problem?.message, 'unknown flag -x');
});

test('an unknown command is refused with the nearest name', (t) => {
  t.is(parse(['delet', 'c1']).problem?.hint, 'did you mean delete?');
  t.is(parse(['toString']).problem?.code, 'E_USAGE');
});

test('a wrong count of arguments is refused with the usage', (t) => {
  t.is(parse(['state']).problem?.message, '"state" takes exactly 1 argument, not 0');
  t.is(parse(['state']).problem?.hint, 'usage: krun state ID');
  t.is(parse(['kill', 'a', 'b', 'c']).problem?.message, '"kill" takes at most 2 arguments, not 3');
  t.is(parse(['kill']).problem?.message, '"kill" takes at least 1 argument, not 0');
});

test('help needs no arguments to be right', (t) => {
  t.is(parse(['state', '--help']).problem, null);
  t.is(parse(['state', '-h']).globals.get('help'), true);
});

test('the log flags hold for the report of a mistake before and after them', (t) => {
  const line = parse(['--nonsense', '--log-format=json', '--log', 'l', 'state']);
  t.is(line.problem?.message, 'unknown flag --nonsense');
  t.is(line.globals.get('log-format'), 'json');
  t.is(line.globals.get('log'), 'l');
});

test('the command lines of containerd, podman and conmon-rs are understood', (t) => {
  const containerd = parse([
    '--root',
    '/run/containerd/runc/k8s.io',
    '--log',
    '/b/log.json',
    '--log-format',
    'json',
    '--systemd-cgroup',
    'delete',
    '--force',
    'c1',
  ]);
  t.is(containerd.problem, null);
  t.is(containerd.flags.get('force'), true);
  t.is(parse(['--rootless=false', '--criu', 'criu', 'kill', '--all', 'c1', '9']).problem, null);
  t.is(parse(['--log-format=json', '--log', '/r/oci-log', '--cgroup-manager', 'disabled', 'kill', 'c1', '15']).problem, null);
  t.is(parse(['--root=/r', '--root=/r', '--systemd-cgroup', '--systemd-cgroup', 'state', 'c1']).problem, null);
  t.is(parse(['run', '--bundle', '/b', '--keep', '-no-subreaper', 'c1']).problem, null);
});

test('no two flags that can stand together share a name or a letter', (t) => {
  for (const command of [null, ...commands]) {
    const names = flagsOf(command).flatMap(({ name, alias = [] }: Flag) => [name, ...alias]);
    t.is(new Set(names).size, names.length, command ?? 'global');
  }
});

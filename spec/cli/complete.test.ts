import test from 'ava';
import { type CommandName, commandTable, describeCommand } from '../../runtime/cli/commands.ts';
import { completeLine } from '../../runtime/cli/complete.ts';
import { flagsOf } from '../../runtime/cli/flags.ts';
import { capabilityNames } from '../../runtime/config/capabilities.ts';

const containers = () => [
  { word: 'web', help: 'running' },
  { word: 'worker', help: 'stopped' },
  { word: 'db', help: 'running' },
];
const complete = (...words: string[]) => {
  const { candidates, paths } = completeLine(words, containers);
  return [...candidates.map(({ word }) => word), ...(paths === null ? [] : [`:${paths}`])];
};

test('the first word is a command', (t) => {
  t.deepEqual(complete('li'), ['list']);
  t.deepEqual(complete(''), Object.keys(commandTable));
  t.deepEqual(complete('--root', '/tmp', 'lis'), ['list']);
  t.deepEqual(complete('nonsense', ''), Object.keys(commandTable));
});

test('every command offers its own flags and the global ones, each with its help', (t) => {
  for (const name of Object.keys(commandTable) as CommandName[]) {
    const { candidates } = completeLine([name, '--'], containers);
    const own = flagsOf(name);
    for (const { name: flag, help, hidden } of [...own, ...flagsOf(null).filter((each) => !own.some((one) => one.name === each.name))]) {
      const found = candidates.filter(({ word }) => word === `--${flag}`);
      t.deepEqual(found, hidden ? [] : [{ word: `--${flag}`, help }], name);
    }
  }
});

test("a flag's value is one of its choices, a path, or unknown", (t) => {
  t.deepEqual(complete('--log-format', 'j'), ['json']);
  t.deepEqual(complete('list', '--format', ''), ['table', 'json']);
  t.deepEqual(complete('list', '-f', ''), ['table', 'json']);
  t.deepEqual(complete('list', '--format=j'), ['--format=json']);
  t.deepEqual(complete('run', '--overlay-'), ['--overlay-lower', '--overlay-upper', '--overlay-work']);
  t.deepEqual(complete('run', '--bundle', '/tm'), [':directories']);
  t.deepEqual(complete('run', '--pid-file', ''), [':files']);
  t.deepEqual(complete('run', '--preserve-fds', ''), []);
  t.deepEqual(complete('run', '--detach', 'x', '--pri'), ['--print-config', '--print-id'], 'after a switch comes no value');
  t.deepEqual(complete('run', '--detach='), ['--detach=true', '--detach=false']);
  t.deepEqual(
    complete('exec', '--cap', 'CAP_SYS_'),
    capabilityNames.filter((name) => name.startsWith('CAP_SYS_')),
  );
});

test('as bash has it, a value after = is a word of its own', (t) => {
  t.deepEqual(complete('list', '--format', '=', 'j'), ['json']);
  t.deepEqual(complete('list', '--format', '='), ['table', 'json']);
  t.deepEqual(complete('--log-format', '=', 'json', 'sta'), ['start', 'state']);
});

test('an ID is one of the containers, unless it is a new one’s', (t) => {
  for (const [name, { arguments: usage }] of Object.entries(commandTable)) {
    const isOld = /^\[?ID/.test(usage) && describeCommand(name as CommandName).makesId !== true;
    t.deepEqual(
      complete(name, 'we').filter((word) => !word.startsWith(':')),
      isOld ? ['web'] : [],
      name,
    );
  }
  t.deepEqual(complete('delete', '--force', 'd'), ['db']);
  t.deepEqual(complete('state', 'web', ''), [], 'there is but one');
});

test('other arguments are what the usage says: signals, commands, shells, bundles', (t) => {
  t.deepEqual(complete('kill', 'web', 'US'), ['USR1', 'USR2']);
  t.deepEqual(complete('help', 'pau'), ['pause']);
  t.deepEqual(complete('completion', ''), ['bash', 'zsh', 'fish']);
  t.deepEqual(complete('run', ''), [':directories']);
  t.deepEqual(complete('validate', ''), [':files']);
  t.deepEqual(complete('spec', ''), []);
});

test('a program and its arguments are the container’s, of which nothing is known', (t) => {
  t.deepEqual(complete('exec', 'web', ''), []);
  t.deepEqual(complete('exec', 'web', 'ls', '--'), []);
  t.deepEqual(complete('run', '--rootfs', '/r', '--', ''), []);
  t.deepEqual(complete('run', '--rootfs', '/r', '--', 'ls', '--'), []);
});

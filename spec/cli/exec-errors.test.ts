import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { beside, execIn } from '../support/exec.ts';
import { runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

test('what krun itself refuses is status 255, with the words that callers look for', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async (container) => {
    const refused = async (program: string, words: RegExp) => {
      const { status, stdout, stderr } = await execIn(container, [program]);
      t.is(status, 255);
      t.is(stdout, '');
      t.regex(stderr, words);
    };
    await refused('nosuch', /^krun: exec: "nosuch": executable file not found in \$PATH/);
    await refused('/no/such', /no such file or directory/);
    await refused('/etc/passwd', /permission denied/);
    await refused('/etc', /is a directory|permission denied/);
  });
});

test('mistakes in the arguments are E_USAGE and status 255, or 1 where the command line cannot be read', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const mistakes = [
    ['c1'],
    ['c1', ''],
    ['--user', '-1', 'c1', 'true'],
    ['--user', '4294967295', 'c1', 'true'],
    ['--user', '4294967296', 'c1', 'true'],
    ['--user', 'root', 'c1', 'true'],
    ['--user', '1:', 'c1', 'true'],
    ['--user', ':1', 'c1', 'true'],
    ['--user', '1:2:3', 'c1', 'true'],
    ['--user', '0x10', 'c1', 'true'],
    ['-g', 'wheel', 'c1', 'true'],
    ['--cwd', 'tmp', 'c1', 'true'],
    ['-e', 'NOVALUE', 'c1', 'true'],
    ['--cap', 'CAP_NONSENSE', 'c1', 'true'],
    ['--cgroup', 'a', '--cgroup', 'b', 'c1', 'true'],
    ['--pid-file', '', 'c1', 'true'],
  ];
  const unreadable = [[], ['--nonsense', 'c1', 'true'], ['--preserve-fds', 'many', 'c1', 'true']];
  for (const mistake of [...mistakes, ...unreadable]) {
    const { status, stderr } = await runKrun(['exec', ...mistake]);
    t.is(status, unreadable.includes(mistake) ? 1 : 255, mistake.join(' '));
    t.regex(stderr, /code: E_USAGE/, mistake.join(' '));
  }
});

test('a secret in --env is not repeated in a message', async (t) => {
  t.notRegex((await runKrun(['exec', '-e', 'secret', 'c1', 'true'])).stderr, /secret/);
});

test('a container that is not there, or has stopped, is said so', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  const missing = await runKrun(['exec', bundle.id, 'true']);
  t.is(missing.status, 255);
  t.regex(missing.stderr, /container does not exist[\s\S]*code: E_NO_CONTAINER/);
  t.is((await runKrun(['run', '--keep', '--bundle', bundle.path, bundle.id])).status, 0);
  const stopped = await runKrun(['exec', bundle.id, 'true']);
  t.is(stopped.status, 255);
  t.regex(stopped.stderr, /cannot exec in a stopped container: container not running[\s\S]*code: E_NOT_RUNNING/);
  t.is((await runKrun(['delete', bundle.id])).status, 0);
});

test("a cgroup that is not below the container's is E_BAD_CGROUP", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async ({ bundle }) => {
    for (const path of ['../ctr-evil', 'a/../../b', '..', 'memory:x', 'a\nb']) {
      const { status, stderr } = await runKrun(['exec', '--cgroup', path, bundle.id, 'true']);
      t.is(status, 255, path);
      t.regex(stderr, /code: E_BAD_CGROUP/, path);
    }
  });
});

test('a pid file that cannot be written is E_FILE, and ends the process', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async ({ bundle }) => {
    const { status, stderr } = await runKrun(['exec', '-d', '--pid-file', '/nowhere/pid', bundle.id, 'sleep', '1000']);
    t.is(status, 255);
    t.regex(stderr, /code: E_FILE/);
    t.notRegex((await runKrun(['exec', bundle.id, 'sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'])).stdout, /sleep 1000/);
  });
});

test('a paused container is E_PAUSED; with --ignore-paused the process runs once the container is resumed', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  await beside(t, undefined, async ({ bundle: { id } }) => {
    const paused = await runKrun(['pause', id]);
    t.is(paused.status, 0, paused.stderr);
    const { status, stderr } = await runKrun(['exec', id, 'true']);
    t.is(status, 255);
    t.regex(stderr, /cannot exec in a paused container[\s\S]*code: E_PAUSED/);
    const waiting = runKrun(['exec', '--ignore-paused', id, 'echo', 'thawed']);
    t.is((await runKrun(['state', id])).stdout.includes('"paused"'), true);
    t.is((await runKrun(['resume', id])).status, 0);
    t.like(await waiting, { status: 0, stdout: 'thawed', stderr: '' });
  });
});

test('a created container can be joined before it is started', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { id, path } = await makeBundle(t, withProcess({ args: ['/bin/true'] }));
  const created = await runKrun(['create', '--bundle', path, id], { stdio: 'ignore' });
  t.is(created.status, 0);
  t.like(await runKrun(['exec', id, 'echo', 'here']), { status: 0, stdout: 'here', stderr: '' });
  t.is((await runKrun(['delete', '--force', id])).status, 0);
});

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Bundle, makeBundle } from '../support/bundle.ts';
import { runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';
import { listen } from '../support/socket-listener.ts';

const isRoot = process.getuid?.() === 0;

test('create hands the terminal to --console-socket: one message, one descriptor, of consoleSize', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await terminalBundle(t, { consoleSize: { height: 12, width: 34 } });
  const { path, lines, type } = await listen(t, bundle.path, 'console');
  const created = await runKrun(['create', '--bundle', bundle.path, '--console-socket', path, bundle.id]);
  t.teardown(() => runKrun(['delete', '--force', bundle.id]));
  t.like(created, { status: 0, stderr: '' });
  t.like(JSON.parse(await lines()), { count: 1, terminal: true, rows: 12, columns: 34, name: '/dev/ptmx' });
  t.is((await runKrun(['start', bundle.id])).status, 0);
  type('echo I am $((40 + 2))\r');
  let line = '';
  do line = await lines();
  while (!line.startsWith('I am 42'));
});

test('exec --detach --tty hands its terminal over as well', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await terminalBundle(t, {});
  const first = await listen(t, bundle.path, 'first');
  const second = await listen(t, bundle.path, 'second');
  t.like(await runKrun(['run', '--detach', '--bundle', bundle.path, '--console-socket', first.path, bundle.id]), { status: 0, stderr: '' });
  t.teardown(() => runKrun(['delete', '--force', bundle.id]));
  t.like(JSON.parse(await first.lines()), { terminal: true });
  const exec = ['exec', '--detach', '--tty', '--console-socket', second.path, bundle.id, 'sh', '-c', 'echo at $(busybox tty)'];
  t.like(await runKrun(exec), { status: 0, stderr: '' });
  t.like(JSON.parse(await second.lines()), { count: 1, terminal: true });
  t.is((await second.lines()).trimEnd(), 'at /dev/pts/1');
});

test('--pidfd-socket gets a pidfd of init, by the name standard, and of a process of exec by the name setns', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, (config) => ({ ...config, process: { ...config.process, args: ['sleep', '1000'] } }));
  const [first, second] = [await listen(t, bundle.path, 'first'), await listen(t, bundle.path, 'second')];
  t.like(await runKrun(['run', '--detach', '--bundle', bundle.path, '--pidfd-socket', first.path, bundle.id], { stdio: 'ignore' }), {
    status: 0,
  });
  t.teardown(() => runKrun(['delete', '--force', bundle.id]));
  const { pid } = JSON.parse((await runKrun(['state', bundle.id])).stdout) as { pid: number };
  t.like(JSON.parse(await first.lines()), { count: 1, name: 'standard', pid });
  t.is((await runKrun(['exec', '--pidfd-socket', second.path, bundle.id, 'true'])).status, 0);
  t.like(JSON.parse(await second.lines()), { count: 1, name: 'setns' });
});

test('a terminal without --console-socket cannot be detached, and the socket is of no use without both', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await terminalBundle(t, {});
  const missing = await runKrun(['create', '--bundle', bundle.path, bundle.id]);
  t.is(missing.status, 1);
  t.regex(missing.stderr, /cannot allocate tty if krun will detach without setting console socket/);
  const attached = await runKrun(['run', '--console-socket', '/tmp/s', '--bundle', bundle.path, bundle.id]);
  t.is(attached.status, 1);
  t.regex(attached.stderr, /cannot use console socket if krun will not detach or allocate tty/);
});

test('a console socket at which nobody listens is an error that names it, and nothing is left', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await terminalBundle(t, {});
  const { status, stderr } = await runKrun(['create', '--bundle', bundle.path, '--console-socket', join(bundle.path, 'nobody'), bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /nobody"\): no such file or directory[\s\S]*E_TERMINAL/);
  t.is((await runKrun(['state', bundle.id])).status, 1);
});

function terminalBundle(t: ExecutionContext, process: object): Promise<Bundle> {
  return makeBundle(t, (config) => ({ ...config, process: { ...config.process, terminal: true, args: ['sh'], ...process } }));
}

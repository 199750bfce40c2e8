// A supervisor that must not be believed, or that fails, and a helper that starts its own instead.
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import { headerLength } from '../../runtime/channel/frame.ts';
import { printText } from '../../runtime/plan/print.ts';
import { controlHelper } from '../support/advisory.ts';
import { isRoot } from '../support/change-config.ts';
import { krunBinary } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';
import { temporaryDirectory } from '../support/supervisor.ts';

const lie = encodePlan(printText('believed'));

type Conduct = (socket: Socket) => void;
const answerAtOnce: Conduct = (socket) => socket.once('data', () => socket.end(lie));

/** What a helper prints that meets such a supervisor in the test's own process: 'believed', or 'own'. */
async function meet(
  t: ExecutionContext,
  conduct: Conduct,
  { wrapper = [] as readonly string[], helper = krunBinary, mode = 0o700 } = {},
): Promise<string> {
  const directory = join(await temporaryDirectory(t), 'home');
  await mkdir(directory);
  const socket = join(directory, 'socket');
  const server = createServer((connection) => conduct(connection.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen({ path: socket, writableAll: mode === 0o777, readableAll: mode === 0o777 }, resolve));
  await execa('chmod', [mode.toString(8), directory, join(directory, '..')]);
  t.teardown(() => server.close());
  const [file = '', ...words] = [...wrapper, helper, '--root', join(directory, 'none'), 'list', '--quiet'];
  const { stdout, stderr } = await execa(file, words, {
    env: { KRUN_SUPERVISOR: socket, XDG_RUNTIME_DIR: directory },
    reject: false,
    stdin: 'ignore',
  });
  if (stdout.startsWith('believed') && stderr === '') return 'believed';
  return /there is no directory/.test(stderr) ? 'own' : `${stdout} ${stderr}`;
}

test('a supervisor of the same user, build and namespaces is believed', async (t) => {
  t.is(await meet(t, answerAtOnce), 'believed');
});

const failures: Readonly<Record<string, Conduct>> = {
  'closes at once': (socket) => socket.destroy(),
  'closes after the call': (socket) => socket.once('data', () => socket.destroy()),
  'dies in the middle of a header': (socket) => socket.once('data', () => socket.end(lie.subarray(0, headerLength - 1))),
  'dies in the middle of its answer': (socket) => socket.once('data', () => socket.end(lie.subarray(0, -1))),
  'is of another build': (socket) => socket.once('data', () => socket.end(changed(lie, 12))),
  'answers with no plan': (socket) => socket.once('data', () => socket.end(changed(lie, headerLength + 12))),
  'answers with a frame of another type': (socket) => socket.once('data', () => socket.end(changed(lie, 6))),
  'answers with a plan of 4 GiB': (socket) => socket.once('data', () => socket.end(changed(lie, 11))),
  'does not answer': () => {},
  'does not answer to the end': (socket) => socket.once('data', () => socket.write(lie.subarray(0, -1))),
};

for (const [what, conduct] of Object.entries(failures))
  test(`a supervisor that ${what} is done without`, async (t) => {
    t.is(await meet(t, conduct), 'own');
  });

function changed(frame: Uint8Array, offset: number): Uint8Array {
  const copy = frame.slice();
  copy[offset] = (copy[offset] ?? 0) ^ 0xff;
  return copy;
}

/** The helper with the supervisor of this tree beside it. */
async function install(t: ExecutionContext, helper: string): Promise<string> {
  const prefix = await temporaryDirectory(t);
  await chmod(prefix, 0o755);
  await mkdir(join(prefix, 'bin'));
  await copyFile(helper, join(prefix, 'bin/krun'));
  await symlink(join(krunBinary, '../../dist'), join(prefix, 'dist'));
  return join(prefix, 'bin/krun');
}

// ── what the caller sees must be what the supervisor sees ────────────────────────────────────────────────────────────

const views: Readonly<Record<string, readonly string[]>> = {
  'mount namespace': ['unshare', '--mount'],
  'pid namespace': ['unshare', '--pid', '--fork', '--mount-proc'],
  'user namespace': ['unshare', '--user', '--map-root-user'],
  'cgroup namespace': ['unshare', '--cgroup'],
  'time namespace': ['unshare', '--time'],
  'network namespace': ['unshare', '--net'],
};

for (const [what, wrapper] of Object.entries(views)) {
  test(`a supervisor in another ${what} is done without`, async (t) => {
    if (skipUnless(t, 'root', isRoot)) return;
    t.is(await meet(t, answerAtOnce, { wrapper }), 'own');
  });
}

test('a supervisor in another mount namespace would be believed without the rule PEER_VIEW', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await meet(t, answerAtOnce, { wrapper: ['unshare', '--mount'], helper: await install(t, controlHelper('PEER_VIEW')) }), 'believed');
});

test('a supervisor at another root directory is done without', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const root = await temporaryDirectory(t);
  const script = `mount --rbind / ${root} && exec chroot ${root} "$@"`;
  const wrapper = ['unshare', '--mount', 'sh', '-c', script, '-'];
  t.is(await meet(t, answerAtOnce, { wrapper }), 'own');
});

test('a supervisor of another user is told nothing', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  let heard = 0;
  const listen: Conduct = (socket) =>
    socket.on('data', (data) => {
      heard += data.length;
      socket.end(lie);
    });
  const wrapper = ['setpriv', '--reuid=1000', '--regid=1000', '--keep-groups'];
  t.is(await meet(t, listen, { wrapper, mode: 0o777 }), 'own');
  t.is(heard, 0);
  await meet(t, listen, { wrapper, mode: 0o777, helper: await install(t, controlHelper('PEER_USER')) });
  t.not(heard, 0, 'the control was not noticed');
});

test('root’s groups do not matter: a service of systemd’s has none, a log-in has', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is(await meet(t, answerAtOnce, { wrapper: ['setpriv', '--groups=4242'] }), 'believed');
});

test('KRUN_SUPERVISOR=off, and a path that leads nowhere, mean none', async (t) => {
  const file = join(await temporaryDirectory(t), 'plain');
  await writeFile(file, '');
  for (const value of ['off', '', 'relative', '/nonexistent/socket', file, `/${'x'.repeat(300)}`]) {
    const { exitCode } = await execa(krunBinary, ['--version'], { env: { KRUN_SUPERVISOR: value } });
    t.is(exitCode, 0);
  }
});

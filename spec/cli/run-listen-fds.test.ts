import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { countListenFds } from '../../runtime/container/listen-fds.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { makeBundle } from '../support/bundle.ts';
import { isRoot } from '../support/change-config.ts';
import { krunBinary } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const count = (variables: Readonly<Record<string, string>>) => countListenFds({ pid: 7, env: new Map(Object.entries(variables)) });

test('LISTEN_FDS counts only with the own pid in LISTEN_PID', (t) => {
  t.is(count({ LISTEN_PID: '7', LISTEN_FDS: '2' }), 2);
  t.is(count({ LISTEN_PID: '8', LISTEN_FDS: '2' }), 0);
  t.is(count({ LISTEN_FDS: '2' }), 0);
  t.is(count({ LISTEN_PID: '7' }), 0);
});

for (const text of ['', '-1', '2x', '1e3', '4294967296']) {
  test(`LISTEN_FDS=${text} is refused`, (t) => {
    t.like(
      t.throws(() => count({ LISTEN_PID: '7', LISTEN_FDS: text }), { instanceOf: KrunError }),
      { code: 'E_USAGE' },
    );
  });
}

test('the container gets the descriptors of LISTEN_FDS, then those of --preserve-fds, and no more', async (t) => {
  const seen = await listen(t, 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b', ['--preserve-fds', '1']);
  if (seen === null) return;
  t.deepEqual(
    seen.descriptors.map(({ fd }) => fd),
    [0, 1, 2, 3, 4, 5],
  );
  t.deepEqual(
    seen.environment.filter((entry) => entry.startsWith('LISTEN_')),
    ['LISTEN_FDS=2', 'LISTEN_PID=1'],
  );
});

test('descriptors for another process are not handed on', async (t) => {
  const seen = await listen(t, 'LISTEN_PID=1 LISTEN_FDS=2', []);
  if (seen === null) return;
  t.deepEqual(
    seen.descriptors.map(({ fd }) => fd),
    [0, 1, 2],
  );
  t.false(seen.environment.some((entry) => entry.startsWith('LISTEN_')));
});

// krun becomes the shell that knows its pid, with descriptors 3 to 6 open.
async function listen(t: ExecutionContext, variables: string, flags: readonly string[]): Promise<ProbeReport | null> {
  if (skipUnless(t, 'root', isRoot)) return null;
  const bundle = await makeBundle(t);
  const script = `exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null; ${variables} exec "$0" "$@"`;
  const words = ['-c', script, krunBinary, 'run', ...flags, '--bundle', bundle.path, bundle.id];
  const { exitCode, stdout, stderr } = await execa('sh', words, { reject: false, stdin: 'ignore', timeout: 60_000 });
  t.is(exitCode, 0, stderr);
  return JSON.parse(stdout) as ProbeReport;
}

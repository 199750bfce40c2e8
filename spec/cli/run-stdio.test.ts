import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, runBundle, runKrun, runProbe } from '../support/krun.ts';
import type { Outcome, ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

const shell = (script: string) => withProcess({ args: ['/bin/sh', '-c', script] });

test('standard input, output and error are those of the caller, each by itself', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const result = await runBundle(t, shell('read line; echo "out $line"; echo "error $line" >&2'), { stdin: 'pipe', input: 'typed\n' });
  t.like(result, { status: 0, stdout: 'out typed', stderr: 'error typed' });
});

test('every byte goes through as it is, 8 MiB to and from a pipe', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/cat'] }));
  const input = randomBytes(8 * 1024 * 1024);
  const { stdout } = await execa(krunBinary, ['run', '--bundle', bundle.path, bundle.id], { input, encoding: 'buffer', maxBuffer: 1e8 });
  t.is(digest(stdout), digest(input));
});

test('a file as standard output is the very file, at its own offset', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, shell('echo second'));
  const path = join(bundle.path, 'output');
  const file = await open(path, 'w');
  await file.write('first\n');
  const { status } = spawnSync(krunBinary, ['run', '--bundle', bundle.path, bundle.id], { stdio: ['ignore', file.fd, 'ignore'] });
  await file.write('third\n');
  await file.close();
  t.is(status, 0);
  t.is(await readFile(path, 'utf8'), 'first\nsecond\nthird\n');
});

test('a file of the caller keeps its owner, whoever the process is', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/echo', 'x'], user: { uid: 1000, gid: 1000 } }));
  const path = join(bundle.path, 'output');
  await writeFile(path, '');
  const file = await open(path, 'r+');
  spawnSync(krunBinary, ['run', '--bundle', bundle.path, bundle.id], { stdio: ['ignore', file.fd, 'ignore'] });
  await file.close();
  const { uid, size } = await stat(path);
  t.deepEqual([uid, size], [0, 2]);
});

test('another user may reopen the pipes that are its standard streams', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const change = withProcess({ args: ['/bin/sh', '-c', 'echo reopened > /dev/stdout'], user: { uid: 1000, gid: 1000 } });
  const bundle = await makeBundle(t, change);
  // execa's own pipes are sockets, which cannot be reopened.
  const { stdout } = await execa('sh', ['-c', '"$@" | cat', 'sh', krunBinary, 'run', '--bundle', bundle.path, bundle.id], {
    stdin: 'ignore',
  });
  t.is(stdout, 'reopened');
});

test('a standard stream that is closed is none of the caller in the container', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const run = `'${krunBinary}' run --bundle '${bundle.path}' '${bundle.id}'`;
  for (const closed of ['<&-', '2>&-', '<&- 2>&-']) {
    const { stdout, exitCode } = await execa('sh', ['-c', `exec ${run} ${closed}`], { reject: false });
    t.is(exitCode, 0, closed);
    const { descriptors } = JSON.parse(stdout) as ProbeReport;
    for (const { fd, target } of descriptors) {
      t.true(fd < 3, closed);
      if (fd !== 1) t.regex(target ?? '', /^(\/dev\/null|pipe:|socket:|\/.*null)/, `${closed} ${fd}`);
    }
  }
});

test('a reader that goes away ends the writer by SIGPIPE, and krun says 141', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  // PID 1 ignores signals that it does not handle: its children do not.
  const bundle = await makeBundle(t, shell('(while :; do echo y; done); exit $?'));
  const script = '"$@" | head -n 1; echo "$PIPESTATUS"';
  const { stdout } = await execa('bash', ['-c', script, 'bash', krunBinary, 'run', '--bundle', bundle.path, bundle.id], {
    stdin: 'ignore',
  });
  t.deepEqual(stdout.split('\n'), ['y', '141']);
});

test('what a child of the process writes after it has ended is not waited for, and does not hold krun up', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { status, stdout } = await runBundle(t, shell('sleep 1000 & echo done'));
  t.deepEqual([status, stdout], [0, 'done']);
});

test('--preserve-fds hands on as many descriptors from 3, with their contents, and no more', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t, withProcess({ args: ['/bin/sh', '-c', 'cat <&3; cat <&4; [ ! -e /proc/self/fd/5 ] && echo only'] }));
  const script = 'exec 3<<<three 4<<<four 5<<<five 9<<<nine; exec "$@"';
  const words = [krunBinary, 'run', '--preserve-fds', '2', '--bundle', bundle.path, bundle.id];
  const { stdout } = await execa('bash', ['-c', script, 'bash', ...words], { stdin: 'ignore' });
  t.is(stdout, 'three\nfour\nonly');
});

test('--preserve-fds with a descriptor that is not open is E_USAGE and names it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const { status, stderr } = await runKrun(['run', '--preserve-fds', '1', '--bundle', bundle.path, bundle.id]);
  t.is(status, 1);
  t.regex(stderr, /descriptor 3 is not open[\s\S]*code: E_USAGE/);
});

test('no descriptor of the caller beyond the preserved ones reaches the process, however high', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const script = 'for i in {3..40} 100 255 999; do eval "exec $i</"; done; exec "$@"';
  const { stdout } = await execa('bash', ['-c', script, 'bash', krunBinary, 'run', '--bundle', bundle.path, bundle.id], {
    stdin: 'ignore',
  });
  t.deepEqual(
    (JSON.parse(stdout) as ProbeReport).descriptors.map(({ fd }) => fd),
    [0, 1, 2],
  );
});

test('the process may read its standard input to the end', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { stdout } = await runBundle(t, withProcess({ args: ['/probe', 'sleep-until-stdin-eof'] }), {
    stdin: 'pipe',
    input: 'x'.repeat(100_000),
  });
  t.is((JSON.parse(stdout.split('\n').at(-1) ?? '') as Outcome).errno, 0);
  t.is((await runProbe(t)).descriptors[0]?.target?.endsWith('null'), true);
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

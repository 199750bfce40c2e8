import { readdir } from 'node:fs/promises';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot } from '../support/change-config.ts';
import { runKrun } from '../support/krun.ts';
import type { ProbeReport } from '../support/probe.ts';
import { skipUnless } from '../support/skip.ts';

test('a directory and a program are enough, and the directory is not written to', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { rootfs } = await makeBundle(t);
  const before = (await readdir(rootfs)).sort();
  const { status, stdout, stderr } = await runKrun(['run', '--rootfs', rootfs, '--', '/probe']);
  t.is(status, 0, stderr);
  const seen = JSON.parse(stdout) as ProbeReport;
  t.deepEqual([seen.pid, seen.cwd, seen.uid.effective], [1, '/', 0]);
  t.true(seen.mounts?.find(({ destination }) => destination === '/')?.options.includes('ro'));
  t.deepEqual((await readdir(rootfs)).sort(), before);
});

test('the program gets its words as they are, flags too, and its status is that of krun', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { rootfs } = await makeBundle(t);
  const script = 'echo "$@"; exit 7';
  const result = await runKrun(['run', '--rootfs', rootfs, '--', 'sh', '-c', script, 'sh', '--rootfs', '--', '-x', '--help']);
  t.like(result, { status: 7, stdout: '--rootfs -- -x --help', stderr: '' });
});

test('with --ephemeral the root is writable, and forgets', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { rootfs } = await makeBundle(t);
  const result = await runKrun(['run', '--ephemeral', '--rootfs', rootfs, '--', '/bin/sh', '-c', 'echo $$ > /pid; cat /pid']);
  t.like(result, { status: 0, stdout: '1', stderr: '' });
  t.false((await readdir(rootfs)).includes('pid'));
});

test('an id may be given, and a relative directory is one of the caller', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { path, id } = await makeBundle(t);
  const { status, stdout } = await runKrun(['run', '--print-id', '--rootfs', 'rootfs', id, '--', 'true'], { cwd: path });
  t.deepEqual([status, stdout], [0, id]);
});

test('--print-config prints a config.json that runs as a bundle', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const bundle = await makeBundle(t);
  const { stdout, status } = await runKrun(['run', '--print-config', '--rootfs', bundle.rootfs, '--', '/bin/echo', 'hello']);
  t.is(status, 0);
  const copy = await makeBundle(t, () => JSON.parse(stdout));
  t.like(await runKrun(['run', '--bundle', copy.path, copy.id]), { status: 0, stdout: 'hello' });
});

test('a missing directory and a missing program are named', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { rootfs } = await makeBundle(t);
  const directory = await runKrun(['run', '--rootfs', '/nowhere', '--', 'true']);
  t.is(directory.status, 1);
  t.regex(directory.stderr, /"\/nowhere"[\s\S]*code: E_ROOTFS/);
  const program = await runKrun(['run', '--rootfs', rootfs, '--', 'no-such-program']);
  t.is(program.status, 1);
  t.regex(program.stderr, /"no-such-program": executable file not found in \$PATH[\s\S]*code: E_NOT_FOUND/);
  t.regex((await runKrun(['run', '--rootfs', rootfs])).stderr, /code: E_USAGE/);
});

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { all, isRoot, withLinux, withMounts, withProcess, writableRoot } from '../support/change-config.ts';
import { runActions, runBundle, runProbe } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

test('process.args reach the process as they are, with empty ones, spaces and all of Unicode', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const args = ['/probe'];
  t.deepEqual((await runProbe(t, withProcess({ args }))).argv, args);
  const shell = ['/bin/sh', '-c', 'for i; do printf "<%s>" "$i"; done', 'sh', '', ' ', 'a b', '"\\$x', 'ü\u{1f433}', '-n', '\n'];
  t.is((await runBundle(t, withProcess({ args: shell }))).stdout, '<>< ><a b><"\\$x><ü\u{1f433}><-n><\n>');
});

test('process.args[0] without a slash is looked up in the PATH of process.env, inside the container', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const result = await runBundle(t, withProcess({ args: ['echo', 'found'], env: ['PATH=/nowhere:/bin'] }));
  t.like(result, { status: 0, stdout: 'found' });
});

test('process.env is the whole environment, in its order, and of a name that stands twice the last value counts', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const env = ['PATH=/bin', 'A=1', 'HOME=/x', 'B=', 'A=2', 'C=a=b', '__proto__=p', 'Ü=ß'];
  const { environment } = await runProbe(t, withProcess({ env }), { env: { LEAKED: 'from the caller' } });
  t.deepEqual(environment, ['PATH=/bin', 'HOME=/x', 'B=', 'A=2', 'C=a=b', '__proto__=p', 'Ü=ß']);
});

test('HOME comes from the /etc/passwd of the container, unless process.env has it', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const homeOf = async (uid: number, env: readonly string[]) =>
    (await runProbe(t, withProcess({ user: { uid, gid: 0 }, env }))).environment.filter((entry) => entry.startsWith('HOME='));
  t.deepEqual(await homeOf(0, []), ['HOME=/root']);
  t.deepEqual(await homeOf(1000, []), ['HOME=/home/tester']);
  t.deepEqual(await homeOf(4242, []), ['HOME=/']);
  t.deepEqual(await homeOf(1000, ['HOME=/elsewhere']), ['HOME=/elsewhere']);
});

test('a missing process.cwd is made, as mode 0755 of root, also below a read-only root', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  for (const change of [writableRoot, (config: Parameters<typeof writableRoot>[0]) => config]) {
    const { bundle, stdout, stderr } = await runBundle(
      t,
      all(change, withProcess({ cwd: '/made/for/me', args: ['/bin/sh', '-c', 'pwd'] })),
    );
    t.is(stdout, '/made/for/me', stderr);
    const { mode, uid, gid } = await stat(join(bundle.rootfs, 'made/for/me'));
    t.deepEqual([mode & 0o7777, uid, gid], [0o755, 0, 0]);
  }
});

test('process.cwd may be a directory that only the user, or only root, can enter', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const tmpfs = (mode: string, id: number) =>
    withMounts({ destination: '/private', type: 'tmpfs', source: 'tmpfs', options: [`mode=${mode}`, `uid=${id}`] });
  const args = ['/probe'];
  const mine = await runProbe(t, all(tmpfs('0700', 1000), withProcess({ cwd: '/private', args, user: { uid: 1000, gid: 1000 } })));
  t.is(mine.cwd, '/private');
  const roots = await runBundle(
    t,
    all(tmpfs('0700', 0), withProcess({ cwd: '/private', args: ['/bin/true'], user: { uid: 1000, gid: 1000 } })),
  );
  t.is(roots.status, 0, roots.stderr);
});

test('process.user sets uid, gid, additionalGids and umask, and the groups of the caller are gone', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const user = { uid: 1000, gid: 2000, umask: 0o077, additionalGids: [5, 6, 4_000_000_000] };
  const seen = await runProbe(t, withProcess({ user }));
  t.deepEqual(seen.uid, { real: 1000, effective: 1000, saved: 1000, filesystem: 1000 });
  t.deepEqual(seen.gid, { real: 2000, effective: 2000, saved: 2000, filesystem: 2000 });
  t.deepEqual([...seen.groups].sort(), [4_000_000_000, 5, 6]);
  t.is(seen.umask, 0o077);
  const { groups } = await runProbe(t, withProcess({ user: { uid: 1000, gid: 1000 } }));
  t.deepEqual(groups, []);
});

test('the largest ids are ids, and not "leave as it is"', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { uid, gid } = await runProbe(t, withProcess({ user: { uid: 4_294_967_294, gid: 4_294_967_294 } }));
  t.deepEqual([uid.effective, gid.effective], [4_294_967_294, 4_294_967_294]);
  for (const user of [
    { uid: 4_294_967_295, gid: 0 },
    { uid: 0, gid: 4_294_967_295 },
    { uid: 0, gid: 0, additionalGids: [4_294_967_295] },
  ]) {
    const { status, stderr } = await runBundle(t, withProcess({ user }));
    t.is(status, 1);
    t.regex(stderr, /must be .* not 4294967295\n(.*\n)*.*code: E_CONFIG/);
  }
});

test('noNewPrivileges is set when it is asked for, and else not', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.true((await runProbe(t, withProcess({ noNewPrivileges: true }))).noNewPrivileges);
  t.false((await runProbe(t, withProcess({ noNewPrivileges: false }))).noNewPrivileges);
});

test('oomScoreAdj is set, also to less than that of the caller, and else inherited', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  t.is((await runProbe(t, withProcess({ oomScoreAdj: 777 }))).oomScoreAdj, 777);
  t.is((await runProbe(t, withProcess({ oomScoreAdj: 0 }))).oomScoreAdj, 0);
});

test('linux.personality LINUX32 makes a 32-bit machine of it', async (t) => {
  if (skipUnless(t, 'x86_64', process.arch === 'x64')) return;
  const seen = await runProbe(t, withLinux({ personality: { domain: 'LINUX32' } }));
  t.deepEqual([seen.machine, seen.personality], ['i686', 8]);
  t.is((await runProbe(t, withLinux({ personality: { domain: 'LINUX' } }))).machine, 'x86_64');
});

test('a container has a session keyring of its own, unless --no-new-keyring', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { sessionKeyring } = await runProbe(t);
  if (skipUnless(t, 'keyrings', sessionKeyring.errno !== 38)) return;
  t.regex(sessionKeyring.description ?? '', /^keyring;0;0;[0-9a-f]+;_ses\.test-[0-9a-f]{12}$/);
});

test('no signal is blocked or ignored, and no descriptor but 0 to 2 is open, whatever the caller has', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const { blockedSignals, ignoredSignals, descriptors } = await runProbe(t, undefined, {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore'],
  });
  t.deepEqual([blockedSignals, ignoredSignals], [[], []]);
  t.deepEqual(
    descriptors.map(({ fd }) => fd),
    [0, 1, 2],
  );
});

test('the process is a leader of its session, not dumpable by accident, and no signal follows the death of its parent', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const seen = await runProbe(t);
  t.deepEqual([seen.pid, seen.sid, seen.pgid], [1, 1, 1]);
  t.deepEqual([seen.dumpable, seen.parentDeathSignal], [1, 0]);
});

test('a working directory that leads to a file of procfs outside of the container is refused with E_CWD_OUTSIDE or not found', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  for (const descriptor of [0, 3, 7, 10]) {
    const { status, stderr } = await runBundle(t, withProcess({ cwd: `/proc/self/fd/${descriptor}` }), {
      stdio: ['ignore', 'pipe', 'pipe', 'ignore'],
    });
    t.is(status, 1);
    t.regex(stderr, /code: E_(CWD_OUTSIDE|PROCESS|ROOTFS|UNSAFE_PATH)/, stderr);
  }
});

test('the caller is not seen: its environment, its descriptors, its working directory', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const [environ, cwd] = await runActions(
    t,
    withProcess({ env: ['ONLY=this', 'HOME=/'] }),
    ['read', '/proc/self/environ'],
    ['read', '/proc/1/cmdline'],
  );
  t.is(environ?.content, 'ONLY=this\0HOME=/\0');
  t.true(cwd?.content?.startsWith('/probe'));
});

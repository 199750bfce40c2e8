import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { defaultConfig } from '../../runtime/config/default.ts';
import { makeBundle } from '../support/bundle.ts';
import { isRoot, withProcess } from '../support/change-config.ts';
import { krunBinary, runKrun } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

test('a user without privileges can exec in a container of their own', async (t) => {
  if (skipUnless(t, 'root, to become another user', isRoot)) return;
  const [uid, gid] = [1000, 1000];
  const config = defaultConfig({ rootless: { uid, gid } });
  const { id, path } = await makeBundle(t, () => withProcess({ terminal: false, args: ['/probe', 'sleep-until-stdin-eof'] })(config));
  const runtime = join(path, 'run');
  await mkdir(runtime, { mode: 0o700 });
  await chown(runtime, uid, gid);
  const user = { uid, gid, cwd: path, env: { XDG_RUNTIME_DIR: runtime } };
  const child = execa(krunBinary, ['run', id], { ...user, reject: false, stdin: 'pipe', buffer: { stdout: false } });
  t.teardown(() => runKrun(['delete', '--force', id], user));
  const ended = child.then(({ stderr }) => Promise.reject(new Error(stderr)));
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  ended.catch(() => {}); // it will end later, as it should
  const { status, stdout, stderr } = await runKrun(['exec', id, '/probe'], user);
  t.is(status, 0, stderr);
  const seen = JSON.parse(stdout);
  t.is(seen.uid.real, 0);
  t.regex(seen.uidMap, /^\s*0\s+1000\s+1$/m);
  t.is((await runKrun(['exec', id, '/probe', 'exit', '9'], user)).status, 9);
  child.stdin.end();
  t.is((await child).exitCode, 0);
});

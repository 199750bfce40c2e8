import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { isRoot } from '../support/change-config.ts';
import { krunBinary } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const cases: readonly [who: string, user: string | undefined, hasRuntimeDirectory: boolean, place: 'there' | '/run/krun'][] = [
  ['whose USER is another', 'somebody', true, 'there'],
  ['without USER, as podman calls a runtime', undefined, true, 'there'],
  ['whose USER is root', 'root', true, '/run/krun'],
  ['with neither USER nor XDG_RUNTIME_DIR', undefined, false, '/run/krun'],
];

for (const [who, user, hasRuntimeDirectory, place] of cases)
  test(`root of a user namespace ${who} has its containers in ${place === 'there' ? '$XDG_RUNTIME_DIR/krun' : place}`, async (t) => {
    if (skipUnless(t, 'root, to make a user namespace', isRoot)) return;
    const directory = await mkdtemp(join(tmpdir(), 'krun-state-root-'));
    t.teardown(() => rm(directory, { recursive: true }));
    const id = `damaged-${randomBytes(6).toString('hex')}`;
    await mkdir(join(directory, 'krun', id), { recursive: true, mode: 0o700 });
    await writeFile(join(directory, 'krun', id, 'state.json'), '{');
    const env = { ...(user === undefined ? {} : { USER: user }), ...(hasRuntimeDirectory ? { XDG_RUNTIME_DIR: directory } : {}) };
    const seen = await execa('unshare', ['--user', '--map-root-user', krunBinary, 'state', id], { env, extendEnv: false, reject: false });
    t.is(seen.exitCode, 1);
    t.regex(seen.stderr, place === 'there' ? /code: E_STATE$/m : /container does not exist/, seen.stderr);
  });

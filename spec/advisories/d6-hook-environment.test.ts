// D6, CVE-2025-23266: a hook got environment variables that the image had chosen. Here it gets those of hook.env alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeBundle } from '../support/bundle.ts';
import { isRoot } from '../support/change-config.ts';
import { runKrun, withArguments } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const markers = ['LD_PRELOAD=/marker.so', 'NODE_OPTIONS=--marker', 'MARKER=1'];

test("neither the container's environment nor the caller's reaches a hook", async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  let log = '';
  const bundle = await makeBundle(t, (config) => config);
  log = join(bundle.path, 'log');
  const hook = (file: string, env?: string[]) => ({
    path: '/bin/busybox',
    args: ['sh', '-c', `tr '\\0' '\\n' < /proc/self/environ >> ${file}; echo . >> ${file}`],
    ...(env === undefined ? {} : { env }),
  });
  const { writeFile } = await import('node:fs/promises');
  const config = JSON.parse(await readFile(join(bundle.path, 'config.json'), 'utf8'));
  const process = { ...withArguments(config, ['/bin/true']).process, env: ['PATH=/bin', ...markers] };
  const hosts = Object.fromEntries(
    ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'].map((name) => [name, [hook(log), hook(log, ['OWN=1'])]]),
  );
  const hooks = { ...hosts, startContainer: [hook('/log')] };
  await writeFile(join(bundle.path, 'config.json'), JSON.stringify({ ...config, root: { path: 'rootfs' }, process, hooks }));
  const env = { MARKER: 'caller', NODE_OPTIONS: '--marker-of-the-caller' };
  const { status, stderr } = await runKrun(['run', '--bundle', bundle.path, bundle.id], { env });
  t.is(status, 0, stderr);
  const seen = `${await readFile(log, 'utf8')}${await readFile(join(bundle.rootfs, 'log'), 'utf8')}`;
  t.notRegex(seen, /marker/i);
  t.notRegex(seen, /^(PATH|HOME|USER)=/m);
  t.is(seen.match(/^OWN=1$/gm)?.length, 5);
  t.is(seen.match(/^\.$/gm)?.length, 11);
});

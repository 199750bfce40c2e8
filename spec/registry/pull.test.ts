import test from 'ava';
import { runKrun } from '../support/krun.ts';
import { hasRegistry, hasSkopeo, makeLayout, makeTemporary, pushLayout, startRegistry } from '../support/registry.ts';
import { skipUnless } from '../support/skip.ts';

test('an image that skopeo has pushed is pulled, listed, inspected and removed', async (t) => {
  if (skipUnless(t, 'docker-registry and skopeo', hasRegistry && hasSkopeo)) return;
  const registry = await startRegistry(t);
  const storage = await makeTemporary(t);
  await pushLayout(await makeLayout(t), registry, 'team/app:1');
  const image = (...args: string[]) => runKrun(['image', ...args, '--storage', storage]);

  const pulled = await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/team/app:1`]);
  t.is(pulled.status, 0, pulled.stderr);
  t.regex(pulled.stdout, /^sha256:[0-9a-f]{64}$/);
  t.log(pulled.stderr);
  t.log((await image('ls')).stdout);
  const inspected = await image('inspect', `${registry.host}/team/app:1`);
  t.is((JSON.parse(inspected.stdout) as { digest: string }).digest, pulled.stdout);
  t.log((await image('history', pulled.stdout)).stdout);
  t.is((await image('tag', pulled.stdout, 'mine:2')).status, 0);
  t.regex((await image('ls')).stdout, /docker\.io\/library\/mine:2/);
  t.is((await image('rm', 'mine:2')).status, 0);
  const removed = await image('rm', pulled.stdout);
  t.is(removed.status, 0, removed.stderr);
  t.deepEqual(JSON.parse((await image('ls', '--format', 'json')).stdout), []);
});

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { runKrun } from '../support/krun.ts';
import { hasRegistry, hasSkopeo, makeLayout, makeTemporary, pushLayout, startRegistry } from '../support/registry.ts';
import { skipUnless } from '../support/skip.ts';

// The line of htpasswd -B.
const htpasswd = await execa(
  'python3',
  ['-c', "import crypt; print('krun:' + crypt.crypt('test', crypt.mksalt(crypt.METHOD_BLOWFISH)).replace('$2b$', '$2y$'))"],
  { reject: false },
).then(({ exitCode, stdout }) => (exitCode === 0 ? stdout : null));

test('what krun pushes is byte for byte what it has pulled, and skopeo reads it', async (t) => {
  if (skipUnless(t, 'docker-registry and skopeo', hasRegistry && hasSkopeo)) return;
  const [from, to] = [await startRegistry(t), await startRegistry(t)];
  const storage = await makeTemporary(t);
  await pushLayout(await makeLayout(t, { layers: [{ a: 'first\n' }, { b: 'second\n' }] }), from, 'team/app:1');
  const flags = ['--storage', storage, '--insecure-registry', from.host, '--insecure-registry', to.host];
  const pulled = await runKrun(['pull', ...flags, `${from.host}/team/app:1`]);
  t.is(pulled.status, 0, pulled.stderr);
  const pushed = await runKrun(['push', ...flags, `${from.host}/team/app:1`, `${to.host}/elsewhere/app:2`]);
  t.is(pushed.status, 0, pushed.stderr);
  t.is(pushed.stdout, pulled.stdout);
  const { stdout } = await execa('skopeo', ['inspect', '--tls-verify=false', `docker://${to.host}/elsewhere/app:2`]);
  t.is((JSON.parse(stdout) as { Digest: string }).Digest, pulled.stdout);

  const copy = join(storage, 'copy');
  await execa('skopeo', ['--insecure-policy', 'copy', '--src-tls-verify=false', `docker://${to.host}/elsewhere/app:2`, `oci:${copy}:x`]);
  const again = await runKrun(['push', ...flags, `${from.host}/team/app:1`, `${to.host}/elsewhere/app:3`]);
  t.is(again.stderr, '', 'nothing is sent twice');
});

test('blobs of another repository of the registry are mounted, not sent', async (t) => {
  if (skipUnless(t, 'docker-registry and skopeo', hasRegistry && hasSkopeo)) return;
  const registry = await startRegistry(t);
  const storage = await makeTemporary(t);
  await pushLayout(await makeLayout(t), registry, 'one/app:1');
  const flags = ['--storage', storage, '--insecure-registry', registry.host];
  await runKrun(['pull', ...flags, `${registry.host}/one/app:1`]);
  const blobs = join(storage, 'blobs/sha256');
  const { manifest } = await manifestOf(storage, blobs);
  for (const { digest } of manifest.layers) await writeFile(join(blobs, digest.slice(7)), await readFile(join(blobs, digest.slice(7))));
  const pushed = await runKrun(['push', ...flags, `${registry.host}/one/app:1`, `${registry.host}/two/app:1`]);
  t.is(pushed.status, 0, pushed.stderr);
  const { stdout } = await execa('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/two/app:1`]);
  t.is((JSON.parse(stdout) as { Digest: string }).Digest, pushed.stdout);
});

async function manifestOf(storage: string, blobs: string) {
  const index = JSON.parse(await readFile(join(storage, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  const manifest = JSON.parse(await readFile(join(blobs, (index.manifests[0]?.digest ?? '').slice(7)), 'utf8')) as {
    layers: { digest: string }[];
  };
  return { manifest };
}

test('a blob that has changed in the store is not pushed', async (t) => {
  if (skipUnless(t, 'docker-registry and skopeo', hasRegistry && hasSkopeo)) return;
  const [from, to] = [await startRegistry(t), await startRegistry(t)];
  const storage = await makeTemporary(t);
  await pushLayout(await makeLayout(t), from, 'app:1');
  const flags = ['--storage', storage, '--insecure-registry', from.host, '--insecure-registry', to.host];
  await runKrun(['pull', ...flags, `${from.host}/app:1`]);
  const { manifest } = await manifestOf(storage, join(storage, 'blobs/sha256'));
  const layer = join(storage, 'blobs/sha256', (manifest.layers[0]?.digest ?? '').slice(7));
  const content = await readFile(layer);
  content[20] = (content[20] ?? 0) ^ 1;
  await writeFile(layer, content);
  const pushed = await runKrun(['push', ...flags, `${from.host}/app:1`, `${to.host}/app:1`]);
  t.is(pushed.status, 1);
  t.regex(pushed.stderr, /code: E_DIGEST/);
});

test('basic authentication: by the credentials of docker and podman, and refused without', async (t) => {
  if (skipUnless(t, 'docker-registry, skopeo and htpasswd', hasRegistry && hasSkopeo && htpasswd !== null)) return;
  const registry = await startRegistry(t, { htpasswd: `${htpasswd}\n` });
  const storage = await makeTemporary(t);
  const layout = await makeLayout(t);
  await execa('skopeo', [
    '--insecure-policy',
    'copy',
    '--dest-tls-verify=false',
    '--dest-creds',
    'krun:test',
    `oci:${layout}:latest`,
    `docker://${registry.host}/app:1`,
  ]);
  const flags = ['--storage', storage, '--insecure-registry', registry.host];
  const env = { HOME: storage, XDG_RUNTIME_DIR: storage, DOCKER_CONFIG: '', XDG_CONFIG_HOME: '', REGISTRY_AUTH_FILE: '' };

  const without = await runKrun(['pull', ...flags, `${registry.host}/app:1`], { env });
  t.regex(without.stderr, /code: E_UNAUTHORIZED/);
  t.regex(without.stderr, /there are no credentials for/);

  const authfile = join(storage, 'auth.json');
  await writeFile(authfile, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('krun:wrong').toString('base64') } } }));
  const wrong = await runKrun(['pull', ...flags, '--authfile', authfile, `${registry.host}/app:1`], { env });
  t.regex(wrong.stderr, /code: E_UNAUTHORIZED/);

  await writeFile(authfile, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('krun:test').toString('base64') } } }));
  const right = await runKrun(['pull', ...flags, '--authfile', authfile, `${registry.host}/app:1`], { env });
  t.is(right.status, 0, right.stderr);
});

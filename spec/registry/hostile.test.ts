import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type KrunResult, runKrun } from '../support/krun.ts';
import { type OwnImage, ownImage, serveRegistry } from '../support/own-registry.ts';
import { makeTemporary } from '../support/registry.ts';

type Manifest = { config: Record<string, unknown>; layers: Record<string, unknown>[] } & Record<string, unknown>;

async function pullFrom(t: ExecutionContext, { documents }: OwnImage, name = 'app'): Promise<KrunResult & { storage: string }> {
  const registry = await serveRegistry(t, documents);
  const storage = await makeTemporary(t);
  return { ...(await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/${name}`])), storage };
}

async function nothingKept(t: ExecutionContext, storage: string): Promise<void> {
  const listed = await runKrun(['image', 'ls', '--storage', storage, '--format', 'json']);
  t.deepEqual(JSON.parse(listed.stdout), []);
  t.deepEqual(await readdir(join(storage, 'ingest')), []);
}

const spoiled: readonly (readonly [string, string, (manifest: Manifest) => unknown])[] = [
  ['a manifest of another schema', 'E_IMAGE', (manifest) => ({ ...manifest, schemaVersion: 1 })],
  ['a manifest that is an index as well', 'E_IMAGE', (manifest) => ({ ...manifest, manifests: [] })],
  [
    'a manifest that says it is something else',
    'E_IMAGE',
    (manifest) => ({ ...manifest, mediaType: 'application/vnd.oci.image.index.v1+json' }),
  ],
  ['a manifest without layers', 'E_IMAGE', ({ layers: _, ...manifest }) => manifest],
  ['a layer whose digest is a path', 'E_IMAGE', (manifest) => withLayer(manifest, { digest: 'sha256:../../../../etc/passwd' })],
  ['a layer of a negative size', 'E_IMAGE', (manifest) => withLayer(manifest, { size: -1 })],
  ['a layer that is no layer', 'E_IMAGE', (manifest) => withLayer(manifest, { mediaType: 'application/x-something' })],
  ['a layer that is longer than it says', 'E_DIGEST', (manifest) => withLayer(manifest, { size: 3 })],
  ['a layer that is missing', 'E_NO_IMAGE', (manifest) => withLayer(manifest, { digest: `sha256:${'0'.repeat(64)}` })],
  ['a configuration that is too large', 'E_IMAGE', (manifest) => ({ ...manifest, config: { ...manifest.config, size: 2 ** 40 } })],
  ['ten thousand layers', 'E_IMAGE', (manifest) => ({ ...manifest, layers: Array.from({ length: 10_000 }, () => manifest.layers[0]) })],
];

function withLayer(manifest: Manifest, change: Record<string, unknown>): unknown {
  return { ...manifest, layers: [{ ...manifest.layers[0], ...change }] };
}

for (const [what, code, change] of spoiled) {
  test(`${what} is refused with ${code}, and nothing is kept`, async (t) => {
    const { status, stderr, storage } = await pullFrom(
      t,
      ownImage(undefined, (manifest) => change(manifest as Manifest)),
    );
    t.is(status, 1);
    t.true(stderr.includes(`code: ${code}\n`) || stderr.endsWith(`code: ${code}`), stderr);
    await nothingKept(t, storage);
  });
}

test('a layer whose content is not what its digest says is refused with E_DIGEST, and nothing of it is kept', async (t) => {
  const image = ownImage(Buffer.from('what was signed'));
  image.documents.set(`app/blobs/${image.layerDigest}`, { mediaType: 'application/octet-stream', content: Buffer.from('WHAT WAS SIGNED') });
  const { stderr, storage } = await pullFrom(t, image);
  t.regex(stderr, /code: E_DIGEST/);
  await nothingKept(t, storage);
});

test('a manifest that is not what its digest says is refused with E_DIGEST', async (t) => {
  const image = ownImage();
  const wanted = `sha256:${'a'.repeat(64)}`;
  const served = image.documents.get('app/manifests/latest');
  if (served !== undefined) image.documents.set(`app/manifests/${wanted}`, served);
  const { stderr, storage } = await pullFrom(t, image, `app@${wanted}`);
  t.regex(stderr, /code: E_DIGEST/);
  await nothingKept(t, storage);
});

test('a manifest without end is given up', async (t) => {
  const registry = await serveRegistry(t, new Map(), (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' });
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20, ' ')));
    };
    response.on('drain', more);
    more();
    return true;
  });
  const storage = await makeTemporary(t);
  const { stderr } = await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`]);
  t.regex(stderr, /larger than/);
  t.regex(stderr, /code: E_IMAGE/);
});

test('a transfer that is cut off goes on where it ended', async (t) => {
  const image = ownImage(randomBytes(3_000_000));
  let cuts = 0;
  const registry = await serveRegistry(t, image.documents, (request, response) => {
    if (!request.url?.endsWith(image.layerDigest) || cuts++ > 0) return false;
    response.writeHead(200, { 'content-length': image.layer.length });
    response.write(image.layer.subarray(0, 1_000_000), () => response.destroy());
    return true;
  });
  const storage = await makeTemporary(t);
  const result = await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`]);
  t.is(result.status, 0, result.stderr);
  const ranges = registry.requests.filter((line) => line.includes(image.layerDigest) && line.includes('bytes='));
  t.is(ranges.length, 1, registry.requests.join('\n'));
  t.true(Number(/bytes=(\d+)-/.exec(ranges[0] ?? '')?.[1]) > 0);
});

test('a pull that was killed is gone on with by the next', async (t) => {
  const image = ownImage(randomBytes(3_000_000));
  let begun: (() => void) | null = null;
  let isFirst = true;
  const half = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const registry = await serveRegistry(t, image.documents, (request, response) => {
    if (!request.url?.endsWith(image.layerDigest) || !isFirst) return false;
    isFirst = false;
    response.writeHead(200, { 'content-length': image.layer.length });
    response.write(image.layer.subarray(0, 2_000_000), () => begun?.());
    return true; // and no more ever comes
  });
  const storage = await makeTemporary(t);
  const pull = (signal?: AbortSignal) =>
    runKrun(
      ['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`],
      signal === undefined ? {} : { cancelSignal: signal },
    );
  const abort = new AbortController();
  const first = pull(abort.signal).catch(() => null);
  await half;
  const partial = join(storage, 'ingest', image.layerDigest.replace(':', '-'));
  const { stat } = await import('node:fs/promises');
  while (((await stat(partial).catch(() => null))?.size ?? 0) < 1_000_000) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await first;
  const second = await pull();
  t.is(second.status, 0, second.stderr);
  const [range] = registry.requests.filter((line) => line.includes('bytes='));
  t.true(Number(/bytes=(\d+)-/.exec(range ?? '')?.[1]) >= 1_000_000, registry.requests.join('\n'));
});

test('pulls of the same image at the same time fetch each blob once', async (t) => {
  const image = ownImage(randomBytes(2_000_000));
  const registry = await serveRegistry(t, image.documents);
  const storage = await makeTemporary(t);
  const pull = () => runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`]);
  const results = await Promise.all([pull(), pull(), pull()]);
  for (const { status, stdout, stderr } of results) {
    t.is(status, 0, stderr);
    t.is(stdout, image.manifestDigest);
  }
  t.is(registry.requests.filter((line) => line.includes(image.layerDigest)).length, 1);
  const listed = JSON.parse((await runKrun(['image', 'ls', '--storage', storage, '--format', 'json'])).stdout) as unknown[];
  t.is(listed.length, 1);
});

test('a registry that limits requests is asked again after the time that it names', async (t) => {
  const image = ownImage();
  let refusals = 0;
  const registry = await serveRegistry(t, image.documents, (_request, response) => {
    if (refusals++ > 0) return false;
    response
      .writeHead(429, { 'retry-after': '0', 'content-type': 'application/json' })
      .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
    return true;
  });
  const storage = await makeTemporary(t);
  const { status, stderr } = await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`]);
  t.is(status, 0, stderr);
  t.regex(stderr, /limits how often it may be asked; trying again/);
});

test('a registry that limits requests for good is explained', async (t) => {
  const registry = await serveRegistry(t, new Map(), (_request, response) => {
    response.writeHead(429, { 'retry-after': '0' }).end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
    return true;
  });
  const storage = await makeTemporary(t);
  const { stderr } = await runKrun(['pull', '--storage', storage, '--insecure-registry', registry.host, `${registry.host}/app`]);
  t.regex(stderr, /limits how often it may be asked: slow down/);
  t.regex(stderr, /hint: wait 0 seconds, log in for a larger share, or use a mirror/);
});

test('plain HTTP is spoken to no registry that is not named', async (t) => {
  const registry = await serveRegistry(t, ownImage().documents);
  const storage = await makeTemporary(t);
  const { status, stderr } = await runKrun(['pull', '--storage', storage, `${registry.host}/app`]);
  t.is(status, 1);
  t.regex(stderr, /code: E_REGISTRY/);
  t.regex(stderr, new RegExp(`--insecure-registry ${registry.host}`));
  t.deepEqual(registry.requests, []);
});

test('a mirror is asked first, and passed over when it lacks the image', async (t) => {
  const image = ownImage();
  const [mirror, empty, origin] = [
    await serveRegistry(t, image.documents),
    await serveRegistry(t, new Map()),
    await serveRegistry(t, image.documents),
  ];
  const storage = await makeTemporary(t);
  const { writeFile } = await import('node:fs/promises');
  const settings = join(storage, 'registries.json');
  const pull = async (mirrors: readonly string[]) => {
    await writeFile(settings, JSON.stringify({ insecure: [mirror.host, empty.host, origin.host], mirrors: { [origin.host]: mirrors } }));
    return runKrun(['pull', '--storage', join(storage, 'store'), `${origin.host}/app`], { env: { KRUN_REGISTRIES: settings } });
  };
  const first = await pull([empty.host, mirror.host]);
  t.is(first.status, 0, first.stderr);
  t.true(empty.requests.length > 0 && mirror.requests.length > 0);
  t.deepEqual(origin.requests, []);
  const second = await pull([empty.host]);
  t.is(second.status, 0, second.stderr);
  t.true(origin.requests.length > 0);
});

// Debian's docker-registry on loopback, with a store of its own; and images to put into it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { digestOf } from '../../runtime/image/descriptor.ts';
import { hostPlatform } from '../../runtime/image/platform.ts';

export const hasRegistry = existsSync('/usr/bin/docker-registry');
export const hasSkopeo = existsSync('/usr/bin/skopeo');
export const hasUmoci = existsSync('/usr/bin/umoci');

export async function makeTemporary(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'krun-images-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

export interface TestRegistry {
  /** 127.0.0.1:PORT. */
  readonly host: string;
}

/** `auth`: lines of htpasswd, for basic authentication. */
export async function startRegistry(t: ExecutionContext, { htpasswd }: { htpasswd?: string } = {}): Promise<TestRegistry> {
  const directory = await makeTemporary(t);
  const port = await freePort();
  const passwords = join(directory, 'htpasswd');
  if (htpasswd !== undefined) await writeFile(passwords, htpasswd);
  await writeFile(
    join(directory, 'config.yml'),
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
      http: { addr: `127.0.0.1:${port}`, secret: 'test' },
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'krun test', path: passwords } } }),
    }),
  );
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], {
    stdio: 'ignore',
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  const host = `127.0.0.1:${port}`;
  for (const deadline = Date.now() + 20_000; ; ) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => null);
    if (answer !== null && (answer.ok || answer.status === 401)) return { host };
    if (Date.now() > deadline) throw new Error('docker-registry does not answer');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

export interface LayoutOptions {
  /** File name → content, one layer each. */
  readonly layers?: readonly Readonly<Record<string, string>>[];
  /** Directories whose whole content is a layer below those. */
  readonly base?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tag?: string;
}

/** An OCI layout with one image, made with GNU tar: `oci:DIR:TAG` for skopeo. */
export async function makeLayout(
  t: ExecutionContext,
  { layers = [{ hello: 'world\n' }], base, config = {}, tag = 'latest' }: LayoutOptions = {},
): Promise<string> {
  const directory = await makeTemporary(t);
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  const put = async (content: Uint8Array) => {
    const digest = digestOf(content);
    await writeFile(join(directory, 'blobs', digest.replace(':', '/')), content);
    return { digest, size: content.length };
  };
  const tars = [...(base === undefined ? [] : [await tarOf(base)]), ...(await Promise.all(layers.map((files) => tarOfFiles(t, files))))];
  const descriptors = await Promise.all(
    tars.map(async (tar) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...(await put(gzipSync(tar, { level: 1 }))) })),
  );
  const image = {
    created: '2026-01-02T03:04:05Z',
    architecture: hostPlatform().architecture,
    os: 'linux',
    config: { Env: ['PATH=/bin:/usr/bin', 'COLOR=blue'], Cmd: ['/bin/sh'], ...config },
    rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    history: tars.map((_, index) => ({ created: '2026-01-02T03:04:05Z', created_by: `step ${index}` })),
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await put(Buffer.from(JSON.stringify(image)))) },
    layers: descriptors,
  };
  const root = {
    mediaType: manifest.mediaType,
    ...(await put(Buffer.from(JSON.stringify(manifest)))),
    annotations: { 'org.opencontainers.image.ref.name': tag },
  };
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return directory;
}

async function tarOfFiles(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const directory = await makeTemporary(t);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return tarOf(directory);
}

export async function tarOf(directory: string): Promise<Uint8Array> {
  const { stdout } = await execa(
    'tar',
    ['-C', directory, '--sort=name', '--mtime=@1700000000', '--owner=0', '--group=0', '-cf', '-', '.'],
    { encoding: 'buffer', maxBuffer: 2 ** 28 },
  );
  return stdout;
}

/** Sends a layout's image to a registry by skopeo. */
export async function pushLayout(layout: string, registry: TestRegistry, name: string, tag = 'latest'): Promise<void> {
  await execa('skopeo', [
    '--insecure-policy',
    'copy',
    '--dest-tls-verify=false',
    `oci:${layout}:${tag}`,
    `docker://${registry.host}/${name}`,
  ]);
}

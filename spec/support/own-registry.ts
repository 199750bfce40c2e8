// A registry of the test's own making: it serves what it is given, right or wrong, and keeps a record of what it was asked for.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { digestOf } from '../../runtime/image/descriptor.ts';
import { hostPlatform } from '../../runtime/image/platform.ts';

export interface Served {
  readonly mediaType: string;
  readonly content: Buffer;
}

export interface OwnRegistry {
  readonly host: string;
  readonly requests: string[];
}

/** `documents`: path below /v2/ → what is there. `intercept` may answer instead, by returning true. */
export async function serveRegistry(
  t: ExecutionContext,
  documents: ReadonlyMap<string, Served>,
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<OwnRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`);
    if (intercept(request, response)) return;
    const found = documents.get((request.url ?? '').replace('/v2/', ''));
    if (found === undefined) {
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
      return;
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = from > 0 ? { 'content-range': `bytes ${from}-${found.content.length - 1}/${found.content.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'content-type': found.mediaType, 'content-length': found.content.length - from, ...range });
    response.end(found.content.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { host: `127.0.0.1:${address.port}`, requests };
}

export interface OwnImage {
  readonly documents: Map<string, Served>;
  readonly manifest: Record<string, unknown>;
  readonly layer: Buffer;
  readonly layerDigest: string;
  readonly manifestDigest: string;
}

/** An image `app:latest` with one layer of these bytes; `change` spoils the manifest. */
export function ownImage(
  layer: Buffer = Buffer.from('no archive at all'),
  change: (manifest: Record<string, unknown>) => unknown = (manifest) => manifest,
): OwnImage {
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: hostPlatform().architecture,
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(layer), size: layer.length }],
  };
  const content = Buffer.from(JSON.stringify(change(structuredClone(manifest))));
  const served = { mediaType: manifest.mediaType, content };
  const blob = (bytes: Buffer): Served => ({ mediaType: 'application/octet-stream', content: bytes });
  return {
    manifest,
    layer,
    layerDigest: digestOf(layer),
    manifestDigest: digestOf(content),
    documents: new Map([
      ['app/manifests/latest', served],
      [`app/manifests/${digestOf(content)}`, served],
      [`app/blobs/${digestOf(config)}`, blob(config)],
      [`app/blobs/${digestOf(layer)}`, blob(layer)],
    ]),
  };
}

// Calls of a gRPC service at a Unix socket (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): one message there, one back.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

/** The reply's bytes; an error with grpc-status and grpc-message otherwise. */
export async function callGrpc(socket: string, method: string, message: Uint8Array): Promise<Uint8Array> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({ ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' });
      const chunks: Buffer[] = [];
      let status: Record<string, unknown> = {};
      stream.on('response', (headers) => (status = headers));
      stream.on('trailers', (headers) => (status = headers));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        if (Number(status['grpc-status']) === 0) resolve(Buffer.concat(chunks).subarray(prefix));
        else reject(new Error(`${method}: ${status['grpc-status']}: ${decodeURIComponent(String(status['grpc-message']))}`));
      });
      const length = Buffer.alloc(prefix);
      length.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([length, message]));
    });
  } finally {
    session.close();
  }
}

const prefix = 5; // compressed or not, and the length

export type Decoded = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

/** A message of protocol buffers: for each field number its values, numbers or bytes. */
export function decodeMessage(bytes: Uint8Array): Decoded {
  const buffer = Buffer.from(bytes);
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const bytesOf = (length: number) => {
    at += length;
    return buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const key = Number(varint());
    const value = [varint, () => bytesOf(8), () => bytesOf(Number(varint())), undefined, undefined, () => bytesOf(4)][key & 7]?.();
    if (value === undefined) throw new Error(`wire type ${key & 7}`);
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

export function bytesIn(message: Decoded, field: number): Buffer {
  const value = message.get(field)?.[0];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

/** A number that is missing is 0 (proto3). */
export function numberIn(message: Decoded, field: number): number {
  const value = message.get(field)?.[0];
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

// One question to one supervisor: the helper asks us, and we ask whom the test wants.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { headerLength } from '../../runtime/channel/frame.ts';
import { krunBinary } from './krun.ts';

/** The frame that `krun` sends; the pid in it becomes ours, for the helper is gone when it is looked up in /proc. */
export async function captureRequest(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const child = spawn(krunBinary, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: { ...env, KRUN_CHANNEL: '3' } });
  const request = await readFrame(child.stdio[3] as Duplex);
  child.kill('SIGKILL');
  request.writeUInt32LE(process.pid, headerLength + 8);
  return request;
}

/** The answer of a supervisor of one call, such as ['dist/engine', 'dist'], and what it says on the standard error. */
export async function ask([file = '', ...words]: readonly string[], request: Uint8Array): Promise<{ frame: Buffer; stderr: string }> {
  const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: {} });
  const channel = child.stdio[3] as Duplex;
  const stderr: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  channel.on('error', () => {});
  channel.write(request);
  const frame = await readFrame(channel);
  channel.end();
  await once(child, 'close');
  return { frame, stderr: Buffer.concat(stderr).toString() };
}

// Whole, or as much as came before the end.
async function readFrame(channel: Duplex): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < headerLength || bytes.length < headerLength + bytes.readUInt32LE(8)) {
    const chunk: Buffer | null = channel.read();
    if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
    else if (channel.readableEnded || channel.destroyed) break;
    else if (!(await hasMore(channel))) break;
  }
  return bytes;
}

async function hasMore(channel: Duplex): Promise<boolean> {
  const more = once(channel, 'readable').then(() => true);
  return Promise.race([more, once(channel, 'end').then(() => false), once(channel, 'close').then(() => false)]).catch(() => false);
}

// What a supervisor answers to `krun run` of the quick bundle: the helper asks us instead of Node, and we keep the reply.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { decodeHeader, headerLength } from '../../runtime/channel/frame.ts';
import { answer } from '../../runtime/supervisor/answer.ts';
import type { BenchBundle } from './bundle.ts';

/** The file that holds the frame. It names container and state: runs of it must follow each other. */
export async function recordFrame(bundle: BenchBundle): Promise<string> {
  const child = spawn('bin/krun', ['run', '--bundle', bundle.quick, 'krun-bench'], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, KRUN_CHANNEL: '3' },
  });
  const channel = child.stdio[3] as Duplex;
  const header = await read(channel, headerLength);
  const frame = await answer(await read(channel, decodeHeader(header, 'request')));
  channel.write(frame);
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`krun ended with ${status} on the plan that was to be recorded`);
  const file = join(bundle.directory, 'frame');
  writeFileSync(file, frame);
  return file;
}

async function read(channel: Duplex, length: number): Promise<Uint8Array> {
  for (;;) {
    const bytes: Uint8Array | null = channel.read(length);
    if (bytes !== null) return bytes;
    await Promise.race([once(channel, 'readable'), once(channel, 'end').then(() => Promise.reject(new Error('the helper ended early')))]);
  }
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { headerLength } from '../../runtime/channel/frame.ts';
import { testHelper } from './run-plan.ts';

/** What the real helper sends when it is called so, header and body. It gets no answer and gives up. */
export async function captureRequest(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly frame: Uint8Array; readonly pid: number }> {
  const [argv0 = 'krun', ...words] = argv;
  const env = { ...environment, KRUN_CHANNEL: '3' };
  const child = spawn(testHelper, words, { argv0, env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const channel = child.stdio[3] as Readable;
  let frame: Buffer = Buffer.alloc(0);
  for await (const chunk of channel) {
    frame = Buffer.concat([frame, chunk as Buffer]);
    if (frame.length >= headerLength && frame.length >= headerLength + frame.readUInt32LE(8)) break;
  }
  if (child.exitCode === null) await once(child, 'exit');
  return { frame, pid: child.pid ?? 0 };
}

// krun many times over: the supervisor is this process, as a resident one would be, and a call costs milliseconds instead of Node's boot.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { decodeHeader, headerLength } from '../../runtime/channel/frame.ts';
import { answer } from '../../runtime/supervisor/answer.ts';
import { testHelper } from './run-plan.ts';

export interface Launched {
  /** Below 0: the signal that ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Launcher {
  /** Runs bin/krun-test; as many at once as there are lanes, others wait for their turn. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Launched>;
  /** Another program, such as another build of the helper, or one that starts it. */
  readonly runProgram: (words: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Launched>;
}

/** What becomes of an answer before the helper gets it; for tests that let something else happen meanwhile. */
export type BeforeAnswer = () => Promise<void>;

const program = fileURLToPath(new URL('launcher.py', import.meta.url));

export async function makeLauncher(t: ExecutionContext, lanes: number, beforeAnswer?: BeforeAnswer): Promise<Launcher> {
  const directory = await mkdtemp(join(tmpdir(), 'krun-test-'));
  const path = join(directory, 'supervisor');
  const server = createServer((socket) => void supervise(socket, beforeAnswer));
  server.listen(path);
  await once(server, 'listening');
  const idle = Array.from({ length: lanes }, () => makeLane(path));
  const ends = idle.map(({ end }) => end);
  t.teardown(async () => {
    for (const end of ends) await end();
    server.close();
    await rm(directory, { recursive: true });
  });
  const waiting: ((lane: Lane) => void)[] = [];
  const take = async () => idle.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
  const give = (lane: Lane): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(lane);
    else next(lane);
  };
  const runProgram: Launcher['runProgram'] = async (words, env = {}) => {
    const lane = await take();
    try {
      return await lane.run(words, env);
    } finally {
      give(lane);
    }
  };
  return { runProgram, run: (args, env) => runProgram([testHelper, ...args], env) };
}

interface Lane {
  readonly run: (words: readonly string[], env: Readonly<Record<string, string>>) => Promise<Launched>;
  readonly end: () => Promise<void>;
}

function makeLane(path: string): Lane {
  const child = spawn('/usr/bin/python3', [program, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    run: async (words, env) => {
      child.stdin.write(`${JSON.stringify({ words, env })}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the launcher has ended');
      return JSON.parse(value) as Launched;
    },
    end: async () => {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

// One connection is one call; it may ask further.
async function supervise(socket: Socket, beforeAnswer: BeforeAnswer | undefined): Promise<void> {
  let held = Buffer.alloc(0);
  socket.on('error', () => {}); // a helper that is killed closes its end
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk]);
    if (held.length < headerLength) continue;
    const length = headerLength + decodeHeader(held.subarray(0, headerLength), 'request');
    if (held.length < length) continue;
    const frame = await answer(held.subarray(headerLength, length));
    held = held.subarray(length);
    await beforeAnswer?.();
    if (!socket.destroyed) socket.write(frame);
  }
}

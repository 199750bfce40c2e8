// The other end of --console-socket and --pidfd-socket: receive-descriptor.py, which tells what it got.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export interface Listener {
  /** Of the socket. */
  readonly path: string;
  /** The next line: JSON of what came, then what the terminal shows. */
  readonly lines: () => Promise<string>;
  readonly type: (keys: string) => void;
}

const receiver = fileURLToPath(new URL('receive-descriptor.py', import.meta.url));

export async function listen(t: ExecutionContext, directory: string, name: string): Promise<Listener> {
  const path = join(directory, name);
  const child = spawn('/usr/bin/python3', [receiver, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const iterator = createInterface(child.stdout)[Symbol.asyncIterator]();
  const lines = async (): Promise<string> => {
    const { value, done } = await iterator.next();
    if (done === true) throw new Error('the receiver has ended');
    return value;
  };
  t.is(await lines(), 'listening');
  return { path, lines, type: (keys) => void child.stdin.write(keys) };
}

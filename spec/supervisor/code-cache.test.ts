import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { nodeOptions } from '../../runtime/supervisor/node-options.ts';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

test('V8 accepts the code that was compiled at build time, under the options that the helper gives', async (t) => {
  t.is(await isCached(nodeOptions), 'true');
});

test('under other options it does not, and the supervisor runs all the same', async (t) => {
  t.is(await isCached(['--stack-size=900']), 'false');
});

async function isCached(options: readonly string[]): Promise<string> {
  const script = `process.exit = () => { throw new Error('asked for nothing') }; process.stdout.write(String(require(${JSON.stringify(`${dist}start.cjs`)}).isCached))`;
  const child = spawn(`${dist}node`, [...options, '-e', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], env: {} });
  (child.stdio[3] as Writable).end(); // a helper that has nothing to ask
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  await once(child, 'close');
  return text;
}

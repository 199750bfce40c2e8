// The supervisor of one call: the helper has put the channel on descriptor 3, reads one answer, and ends us.
import { readSync, writeSync } from 'node:fs';
import { decodeHeader, headerLength } from '../channel/frame.ts';
import { answer } from './answer.ts';

export { answer };

const channel = 3;
// The small engine, which had read the request, became us and keeps it for us.
const source = process.argv[2] === 'request-on-4' ? 4 : channel;

main().catch((error: unknown) => {
  writeSync(2, `krun: ${error instanceof Error ? error.message : error}\n`); // the helper shows it
  process.exit(1);
});

async function main(): Promise<void> {
  const body = readExactly(decodeHeader(readExactly(headerLength), 'request'));
  const frame = await answer(body);
  for (let sent = 0; sent < frame.length; ) sent += writeSync(channel, frame, sent);
  readSync(channel, new Uint8Array(1)); // Node's own way out would take the kernel's time from the container's start
}

function readExactly(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(source, bytes, filled, length - filled, null);
    if (count === 0) process.exit(1); // the helper has gone
    filled += count;
  }
  return bytes;
}

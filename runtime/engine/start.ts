// What supervisor/start.ts is for Node: one request, one answer, on descriptor 3.
import { writeSync } from 'node:fs';
import { decodeHeader, headerLength } from '../channel/frame.ts';
import { answer } from '../supervisor/answer.ts';
import { host } from './node/host.ts';

const channel = 3;

main().catch((error: unknown) => {
  writeSync(2, `krun: ${error instanceof Error ? error.message : error}\n`); // the helper shows it
  host.exit(1);
});

async function main(): Promise<void> {
  const request = new Uint8Array(host.readRequest());
  decodeHeader(request, 'request');
  const frame = await answer(request.subarray(headerLength));
  for (let sent = 0; sent < frame.length; ) sent += writeSync(channel, frame, sent);
}

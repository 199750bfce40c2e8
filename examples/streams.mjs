// A container in the middle of a pipeline. Its streams are pipes: what is slow holds up what is quick.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
await using container = await krun.run({ rootfs, args: ['tr', 'a-z', 'A-Z'], stderr: 'inherit' });
let compressed = 0;
await Promise.all([
  pipeline(createReadStream('package.json'), container.stdin),
  pipeline(container.stdout, createGzip(), async (chunks) => {
    for await (const chunk of chunks) compressed += chunk.length;
  }),
]);
console.log({ compressed: compressed > 0, ...(await container.wait()) });

// A program in a root file system: what it says, and how it ended.
import { text } from 'node:stream/consumers';
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
const container = await krun.run({ rootfs, args: ['sh', '-c', 'echo "I am $$ on $(hostname)"; exit 3'] });
console.log(await text(container.stdout));
console.log(await container.wait()); // { exitCode: 3, signal: null, status: 3 }

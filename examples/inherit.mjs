// The program's own standard streams, a terminal too: as `krun run` would have them.
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
const container = await krun.run({ rootfs, args: ['sh'], stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' });
process.exitCode = (await container.wait()).status;

// Created, started, joined, waited for, deleted. A created container outlives the program; `await using` removes it here.
import { text } from 'node:stream/consumers';
import { defaultConfig, Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
const { process: shell, ...rest } = defaultConfig();
const config = { ...rest, process: { ...shell, terminal: false, args: ['sleep', '1000'] } };
await using container = await krun.create({ rootfs, config });
await container.start();

const { status, pid } = await krun.state(container.id);
console.log(status, pid === container.pid); // running true

const joined = await krun.exec(container.id, { args: ['sh', '-c', 'echo $NAME'], env: { NAME: 'value' } });
console.log(await text(joined.stdout), await joined.wait());

await container.kill('SIGKILL');
console.log(await container.wait()); // { exitCode: null, signal: 'SIGKILL', status: 137 }

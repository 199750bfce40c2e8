// Statistics of a running container, a few times; meanwhile it is paused and resumed.
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
await using container = await krun.run({ rootfs, args: ['cat'] });
let count = 0;
for await (const event of krun.events(container.id, { interval: 100 })) {
  console.log(event.type, event.data?.pids?.current);
  count++;
  if (count === 1) await krun.pause(container.id);
  if (count === 2) await krun.resume(container.id);
  if (count === 3) container.stdin.end(); // cat ends, and so do the events
}
console.log((await container.wait()).status);

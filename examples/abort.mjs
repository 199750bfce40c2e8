// A container that gets half a second: first SIGTERM, then, should that not be enough, SIGKILL.
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';
const id = `example-${process.pid}`;

await using krun = new Krun();
try {
  const signal = AbortSignal.timeout(500);
  const container = await krun.run({ id, rootfs, args: ['sleep', '1000'], signal, stopSignal: 'SIGTERM', stopTimeout: 100 });
  await container.wait();
} catch (error) {
  console.log(error.name); // TimeoutError: the signal's reason, once nothing is left
}
console.log((await krun.list()).some((container) => container.id === id)); // false

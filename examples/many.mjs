// A hundred containers at a time: one small helper forks for all of them, and this program never.
import { text } from 'node:stream/consumers';
import { Krun } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
const answers = await Promise.all(
  Array.from({ length: 100 }, async (_, number) => {
    await using container = await krun.run({ rootfs, args: ['sh', '-c', `echo $((${number} * ${number}))`], stdin: 'ignore' });
    return Number(await text(container.stdout));
  }),
);
console.log(answers.reduce((sum, answer) => sum + answer)); // 328350

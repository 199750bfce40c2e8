// Every failure is a KrunError: told apart by `code`, with the place in the configuration and what to do about it.
import { Krun, KrunError } from 'krun';

const rootfs = process.argv[2] ?? 'example/rootfs';

await using krun = new Krun();
try {
  await krun.run({ rootfs, args: ['no-such-program'] });
} catch (error) {
  if (!(error instanceof KrunError)) throw error;
  const { code, message, pointer, op, hint } = error;
  console.log({ code, message, pointer, op, hint }); // code: 'E_NOT_FOUND', pointer: '/process/args/0', …
}

import { open, stat } from 'node:fs/promises';
import test from 'ava';
import { probePath, probeSettings, runSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;
/** A caller that leaves these descriptors open. */
const leaking = (...fds: readonly number[]): string[] => ['bash', '-c', `${opening(fds)} exec "$@"`, '-'];
/** As leaking, when 3 is among them, which is otherwise the test's own channel to the helper. */
const freeing = (...fds: readonly number[]): string[] => ['bash', '-c', `exec 60<&3; ${opening(fds)} KRUN_CHANNEL=60 exec "$@"`, '-'];
const opening = (fds: readonly number[]): string => fds.map((fd) => `exec ${fd}</etc/hostname;`).join(' ');
const numbers = (descriptors: readonly { readonly fd: number }[]): number[] => descriptors.map(({ fd }) => fd);

test('of the caller’s descriptors only 0 to 2 come through', async (t) => {
  const report = await probeSettings({}, { wrapper: leaking(5, 10, 11, 200) });
  t.deepEqual(numbers(report.descriptors), [0, 1, 2]);
});

test('descriptors to preserve come through, and those after them do not', async (t) => {
  const report = await probeSettings({}, { preserveFds: 2, wrapper: freeing(3, 4, 5) });
  t.deepEqual(numbers(report.descriptors), [0, 1, 2, 3, 4]);
});

test('a descriptor to preserve that the caller has not is refused, though the helper may have one of that number', async (t) => {
  const { failure } = await runSettings({}, { preserveFds: 4, wrapper: freeing(3, 4) });
  t.like(failure, { op: 'preserveDescriptors', syscall: 'fcntl', errno: 9, detail: 'descriptor=5' });
});

test('standard streams go to the user if they are pipes or sockets, and never if they are files', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const before = await stat(probePath);
  const wrapper = ['bash', '-c', `exec "$@" < ${probePath}`, '-'];
  const report = await probeSettings({ process: { user: { uid: 77, gid: 7 } } }, { wrapper });
  t.is(report.descriptors[1]?.uid, 77);
  t.is(report.descriptors[0]?.uid, before.uid);
  t.is((await stat(probePath)).uid, before.uid);
});

test('the null device is never given away', async (t) => {
  if (skipUnless(t, 'root', isRoot)) return;
  const handle = await open('/dev/null');
  t.teardown(() => handle.close());
  await probeSettings({ process: { user: { uid: 77, gid: 7 } } }, { wrapper: ['bash', '-c', 'exec "$@" < /dev/null', '-'] });
  t.is((await handle.stat()).uid, 0);
});

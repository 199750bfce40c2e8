import test from 'ava';
import { eventually, mebibyte, startLimited } from '../support/limited-container.ts';

const allocate = (mebibytes: number): string => `/probe allocate ${mebibytes * mebibyte} >/dev/null`;

test('linux.resources.unified reaches any file: memory.high slows down, memory.oom.group takes all with it', async (t) => {
  const container = await startLimited(t, { unified: { 'memory.high': '8388608', 'cpu.weight': '77', 'pids.max': '33' } }, 'sleep 1000');
  t.deepEqual(['memory.high', 'cpu.weight', 'pids.max'].map(container.file), ['8388608', '77', '33']);
  void container.exec(allocate(16));
  await eventually(() => container.count('memory.events', 'high') > 0);
  await container.update({
    unified: { 'memory.high': 'max', 'memory.max': String(24 * mebibyte), 'memory.swap.max': '0', 'memory.oom.group': '1' },
  });
  t.is(container.file('memory.oom.group'), '1');
  void container.exec(allocate(48));
  t.is(await container.status, 137, 'init went with the one that was killed');
});

import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeCorner } from '../support/cgroups.ts';
import { krunBinary } from '../support/krun.ts';
import { eventually, mebibyte, startLimited } from '../support/limited-container.ts';

const MiB = BigInt(mebibyte);
const withoutSwap = (limit: bigint) => ({ memory: { limit, swap: limit } });
const allocate = (mebibytes: number): string => `/probe allocate ${mebibytes * mebibyte} >/dev/null`;

test('what takes more than memory.limit is killed by the kernel; update raises the limit, and it is no more', async (t) => {
  const container = await startLimited(t, withoutSwap(32n * MiB), `${allocate(64)}; echo ended with $?; sleep 1000`);
  t.is(container.file('memory.max'), String(32n * MiB));
  t.is(container.file('memory.swap.max'), '0');
  await eventually(() => container.output().includes('ended with'));
  t.regex(container.output(), /ended with 137/);
  t.true(container.count('memory.events', 'oom_kill') >= 1);
  await container.update(withoutSwap(128n * MiB));
  t.is(container.file('memory.max'), String(128n * MiB));
  t.is((await container.exec(allocate(64))).status, 0);
  await container.update({ memory: { limit: -1, swap: -1 } });
  t.is(container.file('memory.max'), 'max');
});

test('when the process itself is killed for want of memory, the status is 137', async (t) => {
  const container = await startLimited(t, withoutSwap(32n * MiB), `exec ${allocate(64)}`);
  t.is(await container.status, 137);
});

test('events says oom each time that the kernel kills for want of memory', async (t) => {
  const container = await startLimited(t, withoutSwap(32n * MiB), `while :; do ${allocate(64)}; sleep 1; done`);
  const events = execFileSync('timeout', ['100', 'sh', '-c', `${krunBinary} events --interval 1h ${container.id} | head -n 1`], {
    encoding: 'utf8',
  });
  t.deepEqual(JSON.parse(events), { type: 'oom', id: container.id });
});

test('memory.reservation keeps what is below it from being reclaimed for a neighbour', async (t) => {
  const corner = makeCorner(t);
  const cached = 24 * mebibyte;
  const sparse = (size: number) => (rootfs: string) => {
    writeFileSync(join(rootfs, 'file'), '');
    truncateSync(join(rootfs, 'file'), size); // reading a hole fills the page cache, at the reader's expense
  };
  const read = '/bin/busybox cat /file >/dev/null';
  const guarded = await startLimited(t, { memory: { reservation: 32n * MiB } }, `${read}; echo cached; sleep 1000`, {
    parent: corner.path,
    prepare: sparse(cached),
  });
  t.is(guarded.file('memory.low'), String(32n * MiB));
  await eventually(() => guarded.output().includes('cached'));
  writeFileSync(join(corner.directory, 'memory.max'), String(48 * mebibyte));
  const greedy = await startLimited(t, {}, 'sleep 1000', { parent: corner.path, prepare: sparse(160 * mebibyte) });
  t.is((await greedy.exec(read)).status, 0);
  const kept = guarded.count('memory.stat', 'file');
  t.true(kept > 0.9 * cached, `of ${cached} bytes ${kept} were kept`);
  await guarded.update({ memory: { reservation: 4096 } });
  t.is((await greedy.exec(read)).status, 0);
  const left = guarded.count('memory.stat', 'file');
  t.true(left < 0.7 * cached, `of ${cached} bytes ${left} are left`);
});

test.serial('memory.swap is memory and swap together: what does not fit is swapped up to it, and killed beyond', async (t) => {
  execFileSync('modprobe', ['zram']);
  const zram = `/dev/zram${readFileSync('/sys/class/zram-control/hot_add', 'latin1').trim()}`;
  const number = zram.slice('/dev/zram'.length);
  writeFileSync(`/sys/block/zram${number}/disksize`, String(256 * mebibyte));
  execFileSync('mkswap', [zram], { stdio: 'ignore' });
  execFileSync('swapon', [zram]);
  t.teardown(() => {
    execFileSync('swapoff', [zram]);
    writeFileSync('/sys/class/zram-control/hot_remove', number);
  });
  const container = await startLimited(t, { memory: { limit: 32n * MiB, swap: 128n * MiB } }, 'sleep 1000');
  t.is(container.file('memory.swap.max'), String(96n * MiB));
  t.is((await container.exec(allocate(64))).status, 0);
  t.true(Number(container.file('memory.swap.peak')) > 16 * mebibyte, container.file('memory.swap.peak'));
  await container.update(withoutSwap(32n * MiB));
  t.is(container.file('memory.swap.max'), '0');
  t.is((await container.exec(allocate(64))).status, 137);
});

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { makeCorner } from '../support/cgroups.ts';
import { type ConfigChange, withLinux } from '../support/change-config.ts';
import { runKrun } from '../support/krun.ts';
import { eventually, type LimitedContainer, mebibyte, startLimited } from '../support/limited-container.ts';

const device = makeDisk();
const allowed = [{ allow: true, type: 'b', ...device, access: 'rwm' }] as const;
const withDisk: ConfigChange = (config) => withLinux({ devices: [{ path: '/dev/disk', type: 'b', ...device }] })(config);
const start = (t: ExecutionContext, blockIO: object, script = 'sleep 1000', parent = makeCorner(t).path): Promise<LimitedContainer> =>
  startLimited(t, { blockIO, devices: allowed }, script, { change: withDisk, parent });

const transfers = [
  ['throttleReadBpsDevice', 'rbps', 'if=/dev/disk of=/dev/null bs=64k iflag=direct', mebibyte, 48],
  ['throttleWriteBpsDevice', 'wbps', 'if=/dev/zero of=/dev/disk bs=64k oflag=direct', mebibyte, 48],
  ['throttleReadIOPSDevice', 'riops', 'if=/dev/disk of=/dev/null bs=4k iflag=direct', 10, 30],
  ['throttleWriteIOPSDevice', 'wiops', 'if=/dev/zero of=/dev/disk bs=4k oflag=direct', 10, 30],
] as const;

for (const [field, key, dd, rate, count] of transfers) {
  test.serial(`blockIO.${field} slows a transfer down to its rate, update to 0 lets it go`, async (t) => {
    const container = await start(t, { [field]: [{ ...device, rate: BigInt(rate) }] });
    t.regex(container.file('io.max'), new RegExp(`^${device.major}:${device.minor} .*\\b${key}=${rate}\\b`));
    const limited = await secondsOf(container, `${dd} count=${count}`);
    t.true(limited > 2, `${limited} s`); // 3 s of it; the kernel lets the first slice through
    await container.update({ blockIO: { [field]: [{ ...device, rate: 0 }] } });
    t.is(container.file('io.max'), '');
    const free = await secondsOf(container, `${dd} count=${count}`);
    t.true(free < limited, `${free} s without the limit, ${limited} s with it`);
  });
}

test.serial('events --stats counts what went through each device', async (t) => {
  const container = await start(t, {});
  t.is((await container.exec('/bin/busybox dd if=/dev/zero of=/dev/disk bs=64k count=16 oflag=direct 2>/dev/null')).status, 0);
  const { stdout } = await runKrun(['events', '--stats', container.id]);
  const { blkio } = (
    JSON.parse(stdout) as { data: { blkio: { ioServiceBytesRecursive: { major: number; minor: number; op: string; value: number }[] } } }
  ).data;
  const written = blkio.ioServiceBytesRecursive.find(
    ({ major, minor, op }) => op === 'Write' && major === device.major && minor === device.minor,
  );
  t.true((written?.value ?? 0) >= mebibyte, JSON.stringify(blkio));
});

test.serial('blockIO.weight and weightDevice share a disk under bfq', async (t) => {
  execFileSync('modprobe', ['bfq']);
  const scheduler = `/sys/block/${device.name}/queue/scheduler`;
  writeFileSync(scheduler, 'bfq');
  t.teardown(() => writeFileSync(scheduler, 'none'));
  // It waits that long for the next read of whoever's turn it is; ours are slow to come where every instruction is emulated.
  for (const [name, value] of [
    ['low_latency', '0'],
    ['slice_idle', '200'],
  ] as const)
    writeFileSync(`/sys/block/${device.name}/queue/iosched/${name}`, value);
  const read = 'while :; do /bin/busybox dd if=/dev/disk of=/dev/null bs=64k count=256 iflag=direct 2>/dev/null; done';
  const parent = makeCorner(t).path; // weights count between siblings
  const heavy = await start(t, { weight: 1000 }, read, parent);
  const light = await start(t, { weight: 500, weightDevice: [{ ...device, weight: 10 }] }, read, parent);
  t.is(heavy.file('io.bfq.weight'), 'default 1000');
  t.is(light.file('io.bfq.weight'), `default 500\n${device.major}:${device.minor} 10`);
  const before = [bytesRead(heavy), bytesRead(light)] as const;
  await eventually(() => bytesRead(heavy) > before[0] + 32 * mebibyte);
  const ratio = (bytesRead(heavy) - before[0]) / Math.max(1, bytesRead(light) - before[1]);
  t.true(ratio > 2, `${ratio}`);
});

function bytesRead(container: LimitedContainer): number {
  return Number(new RegExp(`^${device.major}:${device.minor} rbytes=(\\d+)`, 'm').exec(container.file('io.stat'))?.[1] ?? 0);
}

async function secondsOf(container: LimitedContainer, dd: string): Promise<number> {
  const line = `read a rest </proc/uptime; /bin/busybox dd ${dd} 2>/dev/null; read b rest </proc/uptime; echo $a $b`;
  const [begun = 0, ended = 0] = (await container.exec(line)).stdout.split(' ').map(Number);
  return ended - begun;
}

// A disk that keeps nothing and does one thing at a time, in a millisecond each.
function makeDisk(): { name: string; major: number; minor: number } {
  const settings = ['queue_mode=2', 'submit_queues=1', 'hw_queue_depth=1', 'irqmode=2', 'completion_nsec=1000000'];
  execFileSync('modprobe', ['--remove', 'null_blk']);
  execFileSync('modprobe', ['null_blk', 'nr_devices=1', ...settings]);
  const [major = 0, minor = 0] = readFileSync('/sys/block/nullb0/dev', 'latin1').trim().split(':').map(Number);
  return { name: 'nullb0', major, minor };
}

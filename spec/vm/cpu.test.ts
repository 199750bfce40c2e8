import test from 'ava';
import { makeCorner } from '../support/cgroups.ts';
import { eventually, type LimitedContainer, startLimited } from '../support/limited-container.ts';

const spin = 'while :; do :; done';
const used = (container: LimitedContainer): number => container.count('cpu.stat', 'usage_usec');

test('cpu.quota throttles: of one CPU no more than its share is used; update gives more, and takes the limit away', async (t) => {
  const container = await startLimited(t, { cpu: { quota: 20_000n, period: 100_000n } }, spin);
  t.is(container.file('cpu.max'), '20000 100000');
  const slow = await shareOf(container);
  t.true(slow < 0.35, `${slow}`);
  t.true(container.count('cpu.stat', 'nr_throttled') > 0);
  await container.update({ cpu: { quota: 50_000 } });
  t.is(container.file('cpu.max'), '50000 100000', 'the period is kept');
  await container.update({ cpu: { quota: -1 } });
  t.is(container.file('cpu.max'), 'max 100000');
  const throttled = container.count('cpu.stat', 'nr_throttled');
  const before = used(container);
  await eventually(() => used(container) > before + 1_000_000);
  t.is(container.count('cpu.stat', 'nr_throttled'), throttled);
});

test('cpu.burst lets what was left over before be used beyond the quota', async (t) => {
  const work = 'i=0; while [ $i -lt 6000 ]; do i=$((i+1)); done';
  const container = await startLimited(
    t,
    { cpu: { quota: 50_000n, period: 100_000n, burst: 50_000n } },
    `while :; do sleep 0.4; ${work}; done`,
  );
  t.is(container.file('cpu.max.burst'), '50000');
  await eventually(() => container.count('cpu.stat', 'nr_bursts') > 0);
  t.true(container.count('cpu.stat', 'burst_usec') > 0);
  await container.update({ cpu: { burst: 0 } });
  t.is(container.file('cpu.max.burst'), '0');
});

test('cpu.shares share a CPU between those who want it, and cpu.idle leaves what nobody else wants', async (t) => {
  const parent = makeCorner(t).path; // weights count between siblings
  const pinned = (cpu: object) => startLimited(t, { cpu: { cpus: '0', ...cpu } }, spin, { parent });
  const [large, small] = [await pinned({ shares: 4096n }), await pinned({ shares: 256n })];
  t.deepEqual([large.file('cpu.weight'), small.file('cpu.weight')], ['303', '35']);
  const byShares = await ratio(large, small);
  t.true(byShares > 3, `${byShares}`);
  await small.update({ cpu: { shares: 4096 } });
  const even = await ratio(large, small);
  t.true(even < 2 && even > 0.5, `${even}`);
  await small.update({ cpu: { idle: 1 } });
  t.is(small.file('cpu.idle'), '1');
  const byIdle = await ratio(large, small);
  t.true(byIdle > 10, `${byIdle}`);
});

test('cpu.cpus and mems are where the processes run, also after update', async (t) => {
  const container = await startLimited(t, { cpu: { cpus: '1', mems: '0' } }, 'sleep 1000');
  const allowed = async (): Promise<string> =>
    (await container.exec('/bin/busybox grep -E "^(Cpus|Mems)_allowed_list" /proc/self/status')).stdout;
  t.is(await allowed(), 'Cpus_allowed_list:\t1\nMems_allowed_list:\t0');
  await container.update({ cpu: { cpus: '0' } });
  t.is(await allowed(), 'Cpus_allowed_list:\t0\nMems_allowed_list:\t0');
});

test('a container that was made without a cpuset can be given one', async (t) => {
  const container = await startLimited(t, {}, 'sleep 1000');
  await container.update({ cpu: { cpus: '1' } });
  t.is(container.file('cpuset.cpus.effective'), '1');
});

// Over two seconds by the clock.
async function shareOf(container: LimitedContainer): Promise<number> {
  const [before, begun] = [used(container), performance.now()];
  await eventually(() => performance.now() - begun > 2000);
  return (used(container) - before) / 1000 / (performance.now() - begun);
}

// Of the next seconds of CPU that both use together.
async function ratio(a: LimitedContainer, b: LimitedContainer): Promise<number> {
  const before = [used(a), used(b)] as const;
  await eventually(() => used(a) + used(b) > before[0] + before[1] + 3_000_000);
  return (used(a) - before[0]) / Math.max(1, used(b) - before[1]);
}

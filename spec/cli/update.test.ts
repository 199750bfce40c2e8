import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { hostFacts, skipWithoutCgroups } from '../support/cgroups.ts';
import { withLinux } from '../support/change-config.ts';
import { type KrunResult, runKrun, startContainer } from '../support/krun.ts';
import { skipUnless } from '../support/skip.ts';

const controllers = hostFacts.cgroup2?.look('/').controllers ?? [];

function cgroupFile(id: string, file: string): string {
  const { cgroup } = JSON.parse(readFileSync(`/run/krun/${id}/state.json`, 'utf8')) as { cgroup: { path: string } };
  return readFileSync(join(hostFacts.cgroup2?.mountpoint ?? '', cgroup.path, file), 'latin1').trim();
}

function savedResources(id: string): Record<string, unknown> {
  return (JSON.parse(readFileSync(`/run/krun/${id}/config.json`, 'utf8')) as { linux: { resources: Record<string, unknown> } }).linux
    .resources;
}

function updateBy(id: string, resources: unknown): Promise<KrunResult> {
  return runKrun(['update', '--resources=-', id], { stdin: 'pipe', input: JSON.stringify(resources) });
}

test('update -r - reads the resources from standard input, -r FILE from a file; both are in force and saved', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id, path } = (await startContainer(t)).bundle;
  t.deepEqual(await updateBy(id, { unified: { 'cgroup.max.depth': '7' } }), { status: 0, signal: undefined, stdout: '', stderr: '' });
  t.is(cgroupFile(id, 'cgroup.max.depth'), '7');
  writeFileSync(join(path, 'r.json'), '{"unified":{"cgroup.max.descendants":"9"}}');
  t.is((await runKrun(['update', '-r', 'r.json', id], { cwd: path })).status, 0);
  t.is(cgroupFile(id, 'cgroup.max.descendants'), '9');
  t.deepEqual(savedResources(id).unified, { 'cgroup.max.depth': '7', 'cgroup.max.descendants': '9' });
});

test('update of a controller that cgroup v2 has not got here is E_NO_CONTROLLER, and changes nothing', async (t) => {
  if (skipWithoutCgroups(t)) return;
  if (skipUnless(t, 'a host without the cgroup controller pids on v2', !controllers.includes('pids'))) return;
  const { id } = (await startContainer(t)).bundle;
  const before = savedResources(id);
  const { status, stderr } = await runKrun(['update', '--pids-limit', '50', id]);
  t.is(status, 1);
  t.regex(stderr, /limit pids\.max needs the cgroup controller "pids"[\s\S]*E_NO_CONTROLLER/);
  t.deepEqual(savedResources(id), before);
});

test('update changes limits of pids, memory and CPU, and a value that is refused takes back the others', async (t) => {
  if (skipWithoutCgroups(t)) return;
  if (
    skipUnless(
      t,
      'the cgroup controllers pids, memory, cpu on v2',
      ['pids', 'memory', 'cpu'].every((name) => controllers.includes(name)),
    )
  )
    return;
  const { id } = (await startContainer(t)).bundle;
  t.is((await runKrun(['update', '--pids-limit', '50', '--memory', '64m', '--cpu-quota', '5000', id])).status, 0);
  t.deepEqual(
    ['pids.max', 'memory.max', 'cpu.max'].map((file) => cgroupFile(id, file)),
    ['50', '67108864', '5000 100000'],
  );
  t.is((await updateBy(id, { pids: { limit: 60 }, unified: { 'memory.high': 'nonsense' } })).status, 1);
  t.is(cgroupFile(id, 'pids.max'), '50');
});

test('a value that the kernel refuses takes back those written before it, and is not saved', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  t.is((await updateBy(id, { unified: { 'cgroup.max.depth': '3' } })).status, 0);
  const { status, stderr } = await updateBy(id, { unified: { 'cgroup.max.depth': '5', 'cgroup.max.descendants': 'nonsense' } });
  t.is(status, 1);
  t.regex(stderr, /the kernel refused "nonsense" for "cgroup\.max\.descendants"[\s\S]*E_BAD_LIMIT/);
  t.is(cgroupFile(id, 'cgroup.max.depth'), '3');
  t.deepEqual(savedResources(id).unified, { 'cgroup.max.depth': '3' });
});

test('huge pages can be limited where v2 has their controller', async (t) => {
  if (skipWithoutCgroups(t)) return;
  if (skipUnless(t, 'the cgroup controller hugetlb on v2', controllers.includes('hugetlb'))) return;
  const limit = (bytes: bigint) => ({ hugepageLimits: [{ pageSize: '2MB', limit: bytes }] });
  const { id } = (await startContainer(t, withLinux({ resources: limit(4n << 20n) }))).bundle;
  t.is((await updateBy(id, { hugepageLimits: [{ pageSize: '2MB', limit: 8 << 20 }] })).status, 0);
  t.is(cgroupFile(id, 'hugetlb.2MB.max'), String(8 << 20));
  t.deepEqual(savedResources(id).hugepageLimits, [{ pageSize: '2MB', limit: 8 << 20 }]);
});

test('what is no JSON, no object, or no limit at all is refused', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  t.regex((await runKrun(['update', '-r', '-', id])).stderr, /E_CONFIG_JSON/);
  t.regex((await updateBy(id, [])).stderr, /must be an object[\s\S]*E_CONFIG/);
  t.regex((await updateBy(id, { pids: { limit: 'x' } })).stderr, /\/linux\/resources\/pids\/limit[\s\S]*E_CONFIG/);
  t.regex((await runKrun(['update', '-r', '/no/file', id])).stderr, /E_FILE/);
  t.regex((await runKrun(['update', id])).stderr, /at least one limit[\s\S]*E_USAGE/);
  t.regex((await runKrun(['update', '--memory', 'much', id])).stderr, /must be a number of bytes[\s\S]*E_USAGE/);
  t.regex((await runKrun(['update', '--l3-cache-schema', 'L3:0=f', id])).stderr, /E_NOT_YET/);
});

test('of many updates at once none is lost, and none fails', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id, path } = (await startContainer(t)).bundle;
  writeFileSync(join(path, 'r.json'), '{"unified":{"cgroup.max.depth":"7"}}');
  const results = await Promise.all([
    runKrun(['update', '-r', join(path, 'r.json'), id]),
    updateBy(id, { unified: { 'cgroup.max.descendants': '9' } }),
    ...Array.from({ length: 8 }, () => updateBy(id, { hugepageLimits: [] })),
  ]);
  for (const { status, stderr } of results) t.deepEqual([status, stderr], [0, '']);
  t.deepEqual(savedResources(id).unified, { 'cgroup.max.depth': '7', 'cgroup.max.descendants': '9' });
  t.deepEqual([cgroupFile(id, 'cgroup.max.depth'), cgroupFile(id, 'cgroup.max.descendants')], ['7', '9']);
});

test('an update that was overtaken is planned anew, of the configuration that the other has saved', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id } = (await startContainer(t)).bundle;
  if (skipUnless(t, 'flock(1)', (await execa('flock', ['--version'], { reject: false })).exitCode === 0)) return;
  // Both have their plan and wait at the lock: whoever comes second holds an old one.
  const lock = `/run/krun/${id}/update.lock`;
  writeFileSync(lock, '');
  const holder = execa('flock', [lock, 'cat'], { stdin: 'pipe' });
  const updates = [
    updateBy(id, { unified: { 'cgroup.max.depth': '3' } }),
    updateBy(id, { unified: { 'cgroup.max.descendants': '4' } }),
    runKrun(['pause', id]),
  ];
  while ((await waitersOf(lock)) < 3);
  holder.stdin.end();
  for (const { status, stderr } of await Promise.all(updates)) t.deepEqual([status, stderr], [0, '']);
  t.deepEqual(savedResources(id).unified, { 'cgroup.max.depth': '3', 'cgroup.max.descendants': '4' });
  t.is((await runKrun(['resume', id])).status, 0);
});

test('what is odd about new limits is told in the log', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { id, path } = (await startContainer(t)).bundle;
  writeFileSync(join(path, 'r.json'), '{"unified":{"cgroup.max.depth":"7"},"memroy":{"limit":1}}');
  const log = join(path, 'log');
  t.like(await runKrun(['--log', log, '--log-format=json', 'update', '-r', join(path, 'r.json'), id]), { status: 0, stderr: '' });
  t.regex(readFileSync(log, 'utf8'), /^\{"level":"warning".*memroy.*"pointer":"\/linux\/resources\/memroy"\}\n$/);
});

// Processes that have the file open, but for its holder and what that runs.
async function waitersOf(file: string): Promise<number> {
  const { stdout } = await execa('sh', ['-c', `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- '-> ${file}$'`], { reject: false });
  return Number(stdout) - 2;
}

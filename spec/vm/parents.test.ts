import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeCorner } from '../support/cgroups.ts';
import { withLinux } from '../support/change-config.ts';
import { runBundle } from '../support/krun.ts';
import { startLimited } from '../support/limited-container.ts';

const memory = { memory: { limit: 64n << 20n } };

test('a limit below a cgroup that holds processes is refused with their pids; without limits a container may be there', async (t) => {
  const { path, directory } = makeCorner(t);
  const pid = populate(t, join(directory, 'p'));
  const { status, stderr } = await runBundle(t, withLinux({ cgroupsPath: `${path}/p/c`, resources: memory }));
  t.is(status, 1);
  t.regex(stderr, new RegExp(`holds processes \\(pid ${pid}\\), so the controller "memory"[\\s\\S]*config\\.json#`));
  const free = await startLimited(t, {}, 'sleep 1000', { parent: `${path}/p` });
  t.regex(free.file('cgroup.procs'), /^\d+$/);
  t.is(free.file('cgroup.type'), 'domain', 'nothing was enabled that would make both threaded');
});

test('below a threaded cgroup a memory limit is refused and says why, and a limit of processes is in force', async (t) => {
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'threaded'));
  writeFileSync(join(directory, 'threaded/cgroup.type'), 'threaded');
  const { status, stderr } = await runBundle(t, withLinux({ cgroupsPath: `${path}/threaded/c`, resources: memory }));
  t.is(status, 1);
  t.regex(stderr, /threaded[\s\S]*code: E_BAD_CGROUP/);
  const container = await startLimited(t, { pids: { limit: 3n } }, 'sleep 1000', { parent: `${path}/threaded` });
  t.is(container.file('cgroup.type'), 'threaded');
  t.is(container.file('pids.max'), '3');
  t.not((await container.exec('sleep 9 & sleep 9 & sleep 9 & sleep 9')).status, 0);
});

function populate(t: ExecutionContext, cgroup: string): number {
  const process = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.teardown(() => process.kill('SIGKILL'));
  mkdirSync(cgroup);
  writeFileSync(join(cgroup, 'cgroup.procs'), String(process.pid));
  return process.pid ?? 0;
}

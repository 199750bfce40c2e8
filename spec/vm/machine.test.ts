import { existsSync, readFileSync, statfsSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';

const cgroup2 = 0x63677270; // statfs(2): CGROUP2_SUPER_MAGIC

test('the test VM has nothing but cgroup v2, with every controller that krun sets', (t) => {
  t.is(statfsSync('/sys/fs/cgroup').type, cgroup2);
  const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'latin1').trim().split(' ');
  for (const name of ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids', 'rdma']) t.true(controllers.includes(name), name);
  t.notRegex(readFileSync('/proc/self/mountinfo', 'latin1'), / - cgroup /);
});

test('systemd is its init, and root has the bus', async (t) => {
  t.is(readFileSync('/proc/1/comm', 'latin1'), 'systemd\n');
  t.regex((await execa('busctl', ['status', 'org.freedesktop.systemd1'])).stdout, /PID=1/);
});

test('an ordinary user has subordinate ids and a user manager without a session', async (t) => {
  t.regex(readFileSync('/etc/subuid', 'latin1'), /^user:100000:65536$/m);
  const uid = (await execa('id', ['-u', 'user'])).stdout;
  t.true(existsSync(`/run/user/${uid}/bus`));
});

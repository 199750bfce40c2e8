import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readHostFacts } from '../../runtime/host/facts.ts';

const whole = '         0          0 4294967295\n';

test('facts are read from the /proc of the caller', (t) => {
  const facts = readHostFacts({ pid: 7, uid: 1000, proc: makeProc(t, { uid_map: '         0       1000          1\n' }) });
  t.like(facts, { euid: 1000, inUserNamespace: true, kernelRelease: '6.1.0-test', cgroup2: null });
  t.deepEqual([...facts.version1Controllers], [['pids', '/sys/fs/cgroup/pids']]);
});

test('the first user namespace maps everything, and a kernel without them has no map', (t) => {
  t.false(readHostFacts({ pid: 7, uid: 0, proc: makeProc(t, { uid_map: whole }) }).inUserNamespace);
  t.false(readHostFacts({ pid: 7, uid: 0, proc: makeProc(t, {}) }).inUserNamespace);
});

test('a host without /proc has no cgroup2, and nothing throws', (t) => {
  const facts = readHostFacts({ pid: 7, uid: 0, proc: '/nonexistent' });
  t.is(facts.cgroup2, null);
  t.is(facts.kernelRelease, '');
});

test('AppArmor is at work where its module says so, SELinux where its file system is registered', (t) => {
  const proc = makeProc(t, {});
  mkdirSync(join(proc, 'apparmor/parameters'), { recursive: true });
  const modules = () => readHostFacts({ pid: 7, uid: 0, proc, sysModule: proc }).securityModules;
  t.deepEqual(modules(), { apparmor: false, selinux: false });
  writeFileSync(join(proc, 'apparmor/parameters/enabled'), 'Y\n');
  writeFileSync(join(proc, 'filesystems'), 'nodev\tsysfs\nnodev\tselinuxfs\n\text4\n');
  t.deepEqual(modules(), { apparmor: true, selinux: true });
  writeFileSync(join(proc, 'apparmor/parameters/enabled'), 'N\n');
  t.false(modules().apparmor);
});

test('resctrl is where it is mounted, and a group there has a schema or is none', (t) => {
  const proc = makeProc(t, {});
  const facts = () => readHostFacts({ pid: 7, uid: 0, proc });
  t.is(facts().resctrl, null);
  writeFileSync(join(proc, '7/mountinfo'), `40 31 0:40 / ${proc}/resctrl rw - resctrl resctrl rw\n`);
  mkdirSync(join(proc, 'resctrl/gold'), { recursive: true });
  writeFileSync(join(proc, 'resctrl/gold/schemata'), 'L3:0=f\n');
  const { resctrl } = facts();
  t.is(resctrl?.mountpoint, join(proc, 'resctrl'));
  t.is(resctrl?.schemataOf(join(proc, 'resctrl/gold')), 'L3:0=f\n');
  t.is(resctrl?.schemataOf(join(proc, 'resctrl/silver')), null);
});

test('nothing is read before it is asked for, and then once', (t) => {
  const proc = makeProc(t, { uid_map: whole });
  const facts = readHostFacts({ pid: 7, uid: 0, proc });
  writeFileSync(join(proc, 'sys/kernel/osrelease'), 'later\n');
  t.is(facts.kernelRelease, 'later');
  writeFileSync(join(proc, 'sys/kernel/osrelease'), 'too late\n');
  t.is(facts.kernelRelease, 'later');
});

function makeProc(t: ExecutionContext, { uid_map }: { readonly uid_map?: string }): string {
  const proc = mkdtempSync(join(tmpdir(), 'krun-test-proc-'));
  t.teardown(() => rmSync(proc, { recursive: true }));
  mkdirSync(join(proc, '7'));
  mkdirSync(join(proc, 'sys/kernel'), { recursive: true });
  writeFileSync(join(proc, '7/mountinfo'), '32 31 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n');
  writeFileSync(join(proc, '7/cgroup'), '8:pids:/\n0::/x\n');
  writeFileSync(join(proc, 'cgroups'), '#subsys_name\thierarchy\tnum_cgroups\tenabled\npids\t8\t1\t1\nmemory\t0\t1\t1\n');
  writeFileSync(join(proc, 'sys/kernel/osrelease'), '6.1.0-test\n');
  if (uid_map !== undefined) writeFileSync(join(proc, '7/uid_map'), uid_map);
  return proc;
}

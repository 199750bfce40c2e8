import test from 'ava';
import { type Check, checkHost } from '../../runtime/doctor/checks.ts';
import type { DoctorFacts } from '../../runtime/doctor/facts.ts';

const sound: DoctorFacts = {
  uid: 1000,
  user: 'ada',
  kernelRelease: '6.1.0-18-amd64',
  nodeVersion: 'v24.1.0',
  helper: '/opt/krun/bin/krun',
  cgroup2: {
    mountpoint: '/sys/fs/cgroup',
    place: '/user.slice/a',
    controllers: ['cpu', 'cpuset', 'io', 'memory', 'pids'],
    isWritable: true,
  },
  version1Controllers: new Map(),
  namespaces: ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'pid_for_children', 'time', 'user', 'uts'],
  fileSystems: ['overlay', 'mqueue', 'tmpfs'],
  seccompActions: ['kill_process', 'errno', 'allow'],
  maxUserNamespaces: 15_000,
  unprivilegedUserNamespaces: null,
  apparmorRestrictsUserNamespaces: null,
  idMapPrograms: { newuidmap: 'ready', newgidmap: 'ready' },
  subordinate: { uids: 65_536, gids: 65_536 },
  runtimeDirectory: '/run/user/1000',
  hasUserBus: true,
  lingers: true,
  criu: '/usr/sbin/criu',
};

function amiss(facts: Partial<DoctorFacts>): Check[] {
  return checkHost({ ...sound, ...facts }).filter(({ status }) => status !== 'ok');
}

function only(facts: Partial<DoctorFacts>): Check | undefined {
  const [first, ...others] = amiss(facts);
  return others.length === 0 ? first : undefined;
}

const { cgroup2 } = sound;

test('a host that has everything passes every check, for root and for a user', (t) => {
  t.deepEqual(amiss({}), []);
  t.deepEqual(amiss({ uid: 0, user: 'root', runtimeDirectory: null, hasUserBus: false, lingers: false }), []);
});

test('every check has an id of its own, and what is amiss has a remedy', (t) => {
  const checks = checkHost({ ...sound, cgroup2: null, seccompActions: [], fileSystems: [], namespaces: [], maxUserNamespaces: 0 });
  t.is(new Set(checks.map(({ id }) => id)).size, checks.length);
  for (const { status, fix, id } of checks) t.is(fix !== undefined, status !== 'ok', id);
});

test('a kernel before 5.14 fails, 5.14 and 10.0 pass', (t) => {
  t.like(only({ kernelRelease: '5.13.19' }), { id: 'kernel-version', status: 'fail' });
  t.like(only({ kernelRelease: '4.18.0-553.el8' }), { id: 'kernel-version', status: 'fail' });
  for (const kernelRelease of ['5.14.0', '5.15', '10.0.1-arch']) t.deepEqual(amiss({ kernelRelease }), []);
});

test("Debian's switch and a limit of 0 are fatal to a user and a warning to root, each with its sysctl", (t) => {
  const [clone] = amiss({ unprivilegedUserNamespaces: 0 });
  t.like(clone, { id: 'user-namespaces', status: 'fail' });
  t.regex(clone?.fix ?? '', /sysctl -w kernel\.unprivileged_userns_clone=1 && echo .* > \/etc\/sysctl\.d\//);
  t.regex(amiss({ maxUserNamespaces: 0 })[0]?.fix ?? '', /user\.max_user_namespaces=15000/);
  t.like(amiss({ uid: 0, maxUserNamespaces: 0 })[0], { id: 'user-namespaces', status: 'warn' });
});

test("Ubuntu's AppArmor restriction comes with a profile for this very helper", (t) => {
  const [found, follows] = amiss({ apparmorRestrictsUserNamespaces: 1 });
  t.like(found, { id: 'apparmor-user-namespaces', status: 'fail' });
  t.regex(found?.fix ?? '', /profile krun \/opt\/krun\/bin\/krun .*userns,.*apparmor_parser -r/);
  t.like(follows, { id: 'overlay-in-user-namespace', status: 'warn' });
  t.deepEqual(amiss({ apparmorRestrictsUserNamespaces: 0 }), []);
});

test('without cgroup2 containers cannot start', (t) => {
  t.like(only({ cgroup2: null }), { id: 'cgroup2-mount', status: 'fail' });
});

test('controllers that v1 holds, that the host lacks, and that are not delegated have a remedy each', (t) => {
  if (cgroup2 === null) return t.fail();
  const lacking = { cgroup2: { ...cgroup2, controllers: ['memory', 'pids'] } };
  t.regex(only({ ...lacking, version1Controllers: new Map([['cpu', '/x']]) })?.fix ?? '', /unified_cgroup_hierarchy=1/);
  t.regex(only(lacking)?.fix ?? '', /user@\.service\.d\/delegate\.conf/);
  t.regex(only({ ...lacking, uid: 0 })?.fix ?? '', /cgroup_disable/);
  t.regex(only(lacking)?.found ?? '', /^cpu, cpuset, io: /);
});

test('a cgroup that cannot be written is fatal to root, a warning to a user', (t) => {
  if (cgroup2 === null) return t.fail();
  const readOnly = { ...cgroup2, isWritable: false };
  t.like(only({ cgroup2: readOnly }), { id: 'cgroup2-writable', status: 'warn' });
  t.like(only({ cgroup2: { ...readOnly, place: '/' }, uid: 0 }), { id: 'cgroup2-writable', status: 'fail' });
});

test('what rootless engines need is a warning each: newuidmap, subordinate ids, bus, lingering', (t) => {
  t.like(only({ idMapPrograms: { newuidmap: 'missing', newgidmap: 'ready' } }), { id: 'newuidmap', status: 'warn' });
  t.regex(only({ idMapPrograms: { newuidmap: 'ready', newgidmap: 'unprivileged' } })?.fix ?? '', /chmod u\+s .*newgidmap/);
  t.regex(only({ subordinate: { uids: 0, gids: 65_536 } })?.fix ?? '', /--add-subuids .* ada/);
  t.like(only({ hasUserBus: false }), { id: 'user-bus', status: 'warn' });
  t.is(only({ lingers: false })?.fix, 'loginctl enable-linger ada');
  t.like(only({ runtimeDirectory: null }), { id: 'runtime-directory', status: 'fail' });
});

test('a kernel without seccomp filters, a namespace type, overlay or mqueue is told by name', (t) => {
  t.like(only({ seccompActions: [] }), { id: 'seccomp', status: 'fail' });
  t.regex(only({ namespaces: sound.namespaces.filter((name) => name !== 'ipc') })?.fix ?? '', /CONFIG_IPC_NS=y/);
  t.like(only({ namespaces: sound.namespaces.filter((name) => name !== 'time') }), { id: 'namespaces', status: 'warn' });
  t.deepEqual(
    amiss({ fileSystems: ['mqueue'] }).map(({ id }) => id),
    ['filesystem-overlay', 'overlay-in-user-namespace'],
  );
  t.like(only({ fileSystems: ['overlay'] }), { id: 'filesystem-mqueue', status: 'warn' });
  t.like(only({ nodeVersion: 'v20.1.0' }), { id: 'supervisor', status: 'fail' });
});

test('without criu there is a warning, with how to install it', (t) => {
  t.like(only({ criu: null }), { id: 'criu', status: 'warn', fix: 'apt-get install criu (Debian), dnf install criu (Fedora)' });
});

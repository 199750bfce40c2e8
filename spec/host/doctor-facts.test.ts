import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type DoctorOptions, readDoctorFacts } from '../../runtime/host/doctor-facts.ts';

/** A directory with these files, gone after the test. */
function makeTree(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'krun-doctor-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

function optionsFor(root: string, env: Readonly<Record<string, string>> = {}): DoctorOptions {
  return {
    pid: 7,
    uid: 1000,
    env: new Map(Object.entries(env)),
    proc: join(root, 'proc'),
    etc: join(root, 'etc'),
    linger: join(root, 'linger'),
  };
}

test("a host's files become facts", (t) => {
  const root = makeTree(t, {
    'proc/7/ns/mnt': '',
    'proc/7/ns/pid': '',
    'proc/sys/kernel/osrelease': '6.8.0-31-generic\n',
    'proc/filesystems': 'nodev\ttmpfs\nnodev\toverlay\n\text4\n',
    'proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
    'proc/sys/user/max_user_namespaces': '63000\n',
    'proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n',
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n',
    'etc/subuid': 'ada:100000:65536\nbob:165536:65536\n1000:300000:10\n',
    'etc/subgid': 'bob:165536:65536\n',
    'linger/ada': '',
    'run/bus': '',
  });
  t.like(readDoctorFacts(optionsFor(root, { XDG_RUNTIME_DIR: join(root, 'run') })), {
    user: 'ada',
    kernelRelease: '6.8.0-31-generic',
    namespaces: ['mnt', 'pid'],
    fileSystems: ['tmpfs', 'overlay', 'ext4'],
    seccompActions: ['kill_process', 'errno', 'allow'],
    maxUserNamespaces: 63_000,
    unprivilegedUserNamespaces: null,
    apparmorRestrictsUserNamespaces: 1,
    subordinate: { uids: 65_546, gids: 0 },
    hasUserBus: true,
    lingers: true,
  });
});

test('an empty host has nothing, and no file that is missing is an error', (t) => {
  t.like(readDoctorFacts(optionsFor(makeTree(t, {}))), {
    user: null,
    cgroup2: null,
    namespaces: [],
    seccompActions: [],
    maxUserNamespaces: null,
    idMapPrograms: { newuidmap: 'missing', newgidmap: 'missing' },
    subordinate: { uids: 0, gids: 0 },
    runtimeDirectory: null,
    hasUserBus: false,
    lingers: false,
  });
});

test('newuidmap counts when it is where krun looks for it and runs with privileges', (t) => {
  const root = makeTree(t, { 'bin/newuidmap': '' });
  const { idMapPrograms } = readDoctorFacts({ ...optionsFor(root), programDirectories: [join(root, 'bin')] });
  t.is(idMapPrograms.newuidmap, process.geteuid?.() === 0 ? 'ready' : 'unprivileged');
  chmodSync(join(root, 'bin/newuidmap'), 0o4755);
  t.is(readDoctorFacts({ ...optionsFor(root), programDirectories: [join(root, 'bin')] }).idMapPrograms.newuidmap, 'ready');
});

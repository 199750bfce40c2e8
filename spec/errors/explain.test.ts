import test from 'ava';
import type { ErrorCode } from '../../runtime/errors/codes.ts';
import { errnoName } from '../../runtime/errors/errno.ts';
import { explainFailure } from '../../runtime/errors/explain.ts';
import type { FailureFacts } from '../../runtime/errors/failure.ts';
import type { FailureReport } from '../../runtime/errors/failure-report.ts';
import type { KrunError } from '../../runtime/errors/krun-error.ts';
import { type OpName, opTable } from '../../runtime/plan/ops.ts';

const errnos = new Map(Array.from({ length: 134 }, (_, number) => [errnoName(number), number]));

const config = {
  root: { path: 'rootfs' },
  process: {
    args: ['app'],
    env: ['PATH=/usr/bin:/bin'],
    cwd: '/work',
    user: { uid: 1000, gid: 1000 },
    rlimits: [{ type: 'RLIMIT_NOFILE' }],
  },
  mounts: [
    { destination: '/etc/hosts', source: '/data', type: 'bind' },
    { destination: '/proc', source: 'proc', type: 'proc' },
  ],
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'uts' }, { type: 'ipc', path: '/proc/0/ns/ipc' }],
    resources: { memory: { limit: 1048576 } },
    sysctl: { 'net.x': '2' },
  },
};

function explain(op: OpName, errno: string, report: Partial<FailureReport> = {}, facts: Partial<FailureFacts> = {}): KrunError {
  const number = errnos.get(errno) ?? 0;
  return explainFailure(
    { op, index: 0, pointer: '', syscall: 'call', errno: number, path: '', detail: '', ...report },
    {
      machine: 'x86_64',
      uid: 0,
      maxUserNamespaces: 1000,
      unprivilegedUserNamespaces: null,
      apparmorRestrictsUserNamespaces: null,
      sourceKind: null,
      criuErrors: [],
      config,
      ...facts,
    },
  );
}

type Row = readonly [
  title: string,
  op: OpName,
  errno: string,
  Partial<FailureReport>,
  code: ErrorCode,
  message: string,
  Partial<FailureFacts>?,
];

// Paths and details are what the helper sends. Rows of the message table of what users ask for come first.
const rows: readonly Row[] = [
  [
    'a script with Windows line endings',
    'execute',
    'ENOENT',
    {
      path: '/app/run.sh',
      detail: 'exists=1\ntype=file\nmode=100755\nnoexec=0\nempty=0\nreadable=1\ninterpreterExists=0\nshebangCr=1\ninterpreter=/bin/bash',
    },
    'E_NOT_EXECUTABLE',
    'exec: "/app/run.sh": no such file or directory: the file exists, but its interpreter "/bin/bash\\r" does not: the file has Windows line endings',
  ],
  [
    'a script whose interpreter is missing',
    'execute',
    'ENOENT',
    { path: '/app/run.sh', detail: 'exists=1\ntype=file\nmode=100755\ninterpreterExists=0\nshebangCr=0\ninterpreter=/bin/bash' },
    'E_NOT_EXECUTABLE',
    'exec: "/app/run.sh": no such file or directory: the file exists, but its interpreter "/bin/bash" does not',
  ],
  [
    'a program whose loader is missing',
    'execute',
    'ENOENT',
    {
      path: '/bin/app',
      detail: 'exists=1\ntype=file\nmode=100755\nclass=64\nmachine=62\ndata=1\ninterpreterExists=0\ninterpreter=/lib/ld-musl-x86_64.so.1',
    },
    'E_NOT_EXECUTABLE',
    'exec: "/bin/app": no such file or directory: the file exists, but its loader "/lib/ld-musl-x86_64.so.1" does not',
  ],
  [
    'a program for another machine',
    'execute',
    'ENOEXEC',
    { path: '/bin/app', detail: 'exists=1\ntype=file\nmode=100755\nempty=0\nclass=64\nmachine=183\ndata=1' },
    'E_NOT_EXECUTABLE',
    'exec: "/bin/app": exec format error: it is arm64; this host is x86_64 and has no binfmt handler',
  ],
  [
    'a program for x86_64 on arm64',
    'execute',
    'ENOEXEC',
    { path: '/bin/app', detail: 'mode=100755 empty=0 class=64 machine=62' },
    'E_NOT_EXECUTABLE',
    'exec: "/bin/app": exec format error: it is x86_64; this host is arm64 and has no binfmt handler',
    { machine: 'aarch64' },
  ],
  [
    'an empty file',
    'execute',
    'ENOEXEC',
    { path: '/x', detail: 'mode=100755\nempty=1' },
    'E_NOT_EXECUTABLE',
    'exec: "/x": exec format error: the file is empty',
  ],
  [
    'a text without #!',
    'execute',
    'ENOEXEC',
    { path: '/x', detail: 'mode=100755\nempty=0' },
    'E_NOT_EXECUTABLE',
    'exec: "/x": exec format error: it is neither an ELF program nor a script that begins with #!',
  ],
  [
    'a program that is nowhere in PATH',
    'findProgram',
    'ENOENT',
    { path: 'app', detail: 'searched=1' },
    'E_NOT_FOUND',
    'exec: "app": executable file not found in $PATH',
  ],
  [
    'a program that is not at its path',
    'findProgram',
    'ENOENT',
    { path: '/bin/app', detail: 'exists=0' },
    'E_NOT_FOUND',
    'exec: "/bin/app": no such file or directory',
  ],
  [
    'a program without an execute bit',
    'findProgram',
    'EACCES',
    { path: '/bin/app', detail: 'exists=1\ntype=file\nmode=100644\nnoexec=0' },
    'E_NOT_EXECUTABLE',
    'exec: "/bin/app": permission denied: the file has no execute bit (mode 0644)',
  ],
  [
    'a program on a noexec mount',
    'execute',
    'EACCES',
    { path: '/bin/app', detail: 'exists=1\ntype=file\nmode=100755\nnoexec=1' },
    'E_NOT_EXECUTABLE',
    'exec: "/bin/app": permission denied: it lies on a mount with the option noexec',
  ],
  [
    'a directory as program',
    'findProgram',
    'EISDIR',
    { path: '/bin', detail: 'exists=1\ntype=directory\nmode=40755' },
    'E_NOT_EXECUTABLE',
    'exec: "/bin": is a directory',
  ],
  [
    'unprivileged user namespaces switched off (Debian)',
    'clone',
    'EPERM',
    { syscall: 'clone3' },
    'E_USERNS_OFF',
    'unprivileged user namespaces are off (kernel.unprivileged_userns_clone=0)',
    { uid: 1000, unprivilegedUserNamespaces: 0 },
  ],
  [
    'user namespaces blocked by AppArmor (Ubuntu)',
    'writeIdMaps',
    'EPERM',
    { syscall: 'write', path: 'uid_map' },
    'E_USERNS_OFF',
    'user namespaces are blocked by AppArmor (kernel.apparmor_restrict_unprivileged_userns=1, Ubuntu 24.04 and later)',
    { uid: 1000, apparmorRestrictsUserNamespaces: 1 },
  ],
  [
    'user namespaces set to none',
    'clone',
    'ENOSPC',
    {},
    'E_USERNS_OFF',
    'user namespaces are off (user.max_user_namespaces=0)',
    { maxUserNamespaces: 0 },
  ],
  [
    'a namespace whose owner has gone',
    'openNamespace',
    'ENOENT',
    { pointer: '/linux/namespaces/2', path: '/proc/0/ns/ipc' },
    'E_NAMESPACE',
    'cannot join the ipc namespace of /linux/namespaces/2: its owner has exited',
  ],
  [
    'a set-up killed for lack of memory',
    'waitForExecute',
    'ECHILD',
    { syscall: 'clone3', detail: 'signal=9' },
    'E_SET_UP_KILLED',
    'memory limit 1 MiB is too small to start: set-up was killed for lack of memory',
  ],
  [
    'a set-up killed by seccomp',
    'writeIdMaps',
    'ECHILD',
    { syscall: 'clone3', detail: 'signal=31' },
    'E_SET_UP_KILLED',
    'set-up was killed by SIGSYS',
  ],
  [
    'a set-up killed by somebody',
    'waitForChild',
    'ECHILD',
    { syscall: 'clone3', detail: 'signal=9' },
    'E_SET_UP_KILLED',
    'set-up was killed by SIGKILL: by somebody, or for lack of memory',
    { config: {} },
  ],
  [
    'the pids limit',
    'clone',
    'EAGAIN',
    {},
    'E_SYSTEM',
    'the limit on the number of processes is reached (pids.max of the cgroup, or RLIMIT_NPROC)',
  ],
  [
    'a unit of that name',
    'callBus',
    'EREMOTEIO',
    {
      syscall: 'StartTransientUnit',
      path: 'krun-c1.scope',
      detail: 'error=org.freedesktop.systemd1.UnitExists said=Unit krun-c1.scope was already loaded or has a fragment file.',
    },
    'E_BAD_CGROUP',
    'krun-c1.scope exists: Unit krun-c1.scope was already loaded or has a fragment file',
  ],
  [
    'a refusal of systemd',
    'callBus',
    'EREMOTEIO',
    { syscall: 'StartTransientUnit', path: 'a.scope', detail: 'error=org.x.InvalidArgs said=Slice a=b is invalid.\nReally.' },
    'E_SYSTEMD',
    'systemd: StartTransientUnit of a.scope was refused: Slice a=b is invalid.; Really (org.x.InvalidArgs)',
  ],
  [
    'a refusal without words',
    'callBus',
    'EREMOTEIO',
    { syscall: 'StopUnit', path: 'a.scope', detail: 'error=org.x.Y said=' },
    'E_SYSTEMD',
    'systemd: StopUnit of a.scope was refused: org.x.Y',
  ],
  [
    'a job of systemd that fails',
    'callBus',
    'ECANCELED',
    { syscall: 'StartTransientUnit', path: 'a.scope', detail: 'result=dependency' },
    'E_SYSTEMD',
    'systemd: StartTransientUnit of a.scope ended with "dependency"',
  ],
  [
    'a systemd that does not answer',
    'callBus',
    'ETIMEDOUT',
    { syscall: 'StopUnit', path: 'a.scope' },
    'E_SYSTEMD',
    'systemd: StopUnit of a.scope: no answer in 30 seconds',
  ],
  [
    'a user without a bus',
    'callBus',
    'ENOENT',
    { syscall: 'connect', path: '/run/user/7/bus' },
    'E_NO_SYSTEMD',
    `the bus of this user's systemd ("/run/user/7/bus"): no such file or directory`,
    { uid: 7 },
  ],
  [
    'a system without a bus',
    'callBus',
    'ECONNREFUSED',
    { syscall: 'connect', path: '/run/dbus/system_bus_socket' },
    'E_NO_SYSTEMD',
    `the bus of the system's systemd ("/run/dbus/system_bus_socket"): connection refused`,
  ],
  [
    'a process that systemd has put elsewhere',
    'adoptCgroup',
    'EXDEV',
    { syscall: 'openat2', path: '/system.slice/a.scope', detail: 'found=/user.slice/b c' },
    'E_SYSTEMD',
    'systemd has not put the process into "/system.slice/a.scope": it is in "/user.slice/b c"',
  ],
  [
    'a cgroup that holds processes above the container',
    'createCgroup',
    'EBUSY',
    { syscall: 'write', path: '/user.slice', detail: 'controller=memory file=cgroup.subtree_control pids=1 2' },
    'E_BAD_CGROUP',
    'cgroup "/user.slice" holds processes (pid 1 2), so the controller "memory" cannot be enabled below it',
  ],
  [
    'a directory mounted onto a file',
    'moveMount',
    'ENOTDIR',
    { pointer: '/mounts/0', path: '/etc/hosts', detail: 'source=directory destination=file' },
    'E_BAD_MOUNT',
    'source is a directory, destination is a file',
  ],
  [
    'a file mounted onto a directory',
    'moveMount',
    'EISDIR',
    { pointer: '/mounts/0', path: '/etc/hosts', detail: 'source=file destination=directory' },
    'E_BAD_MOUNT',
    'source is a file, destination is a directory',
  ],
  [
    'a clash of kinds that only the host tells',
    'moveMount',
    'EINVAL',
    { pointer: '/mounts/0', path: '/etc/hosts' },
    'E_BAD_MOUNT',
    'source is a directory, destination is a file',
    { sourceKind: 'directory' },
  ],
  [
    'a missing mount source',
    'openTree',
    'ENOENT',
    { pointer: '/mounts/0', path: '/data' },
    'E_BAD_MOUNT',
    'mount source "/data" does not exist',
  ],
  [
    'a missing mount destination on a read-only root',
    'moveMount',
    'EROFS',
    { pointer: '/mounts/0', path: '/etc/hosts', syscall: 'openat2', detail: 'destination=file' },
    'E_BAD_MOUNT',
    'mount destination "/etc/hosts" does not exist, and cannot be made: read-only file system',
  ],
  [
    'a leftover cgroup with processes',
    'killCgroup',
    'ETIMEDOUT',
    { path: 'cgroup.events', detail: 'pids=17 18' },
    'E_BAD_CGROUP',
    "the container's cgroup is not empty: pid 17 18",
  ],

  [
    'a mount option that the file system does not know',
    'mount',
    'EINVAL',
    { pointer: '/mounts/1', path: '/proc', detail: "type=proc option=foo kernel=e proc: Unknown parameter 'foo=1'\n" },
    'E_BAD_MOUNT',
    'mount on "/proc": invalid argument: proc: Unknown parameter \'foo=1\'',
  ],
  [
    'a file system that the kernel lacks',
    'mount',
    'ENODEV',
    { pointer: '/mounts/1', detail: 'type=zfs' },
    'E_BAD_MOUNT',
    'this kernel has no file system type "zfs"',
  ],
  [
    'a symbolic link at /proc',
    'mount',
    'ELOOP',
    { pointer: '/mounts/1', path: '/proc' },
    'E_UNSAFE_PATH',
    '"/proc" in the root file system is a symbolic link where none may be, or leads outside',
  ],
  ['a missing root', 'openRoot', 'ENOENT', { path: '/b/rootfs' }, 'E_ROOTFS', 'root file system "/b/rootfs" does not exist'],
  ['an id in use', 'createStateDirectory', 'EEXIST', { path: 'c1' }, 'E_ID_EXISTS', 'container with given ID already exists'],
  ['an unknown id', 'openStateDirectory', 'ENOENT', { path: 'c1' }, 'E_NO_CONTAINER', 'container does not exist'],
  ['a process that has gone', 'signalProcess', 'ESRCH', {}, 'E_NOT_RUNNING', 'container not running: no such process'],
  [
    'a controller that is not there',
    'createCgroup',
    'ENOENT',
    { syscall: 'read', path: '/a', detail: 'controller=memory file=cgroup.controllers' },
    'E_NO_CONTROLLER',
    'a limit needs the controller "memory", which cgroup "/a" does not have',
  ],
  [
    'a limit out of range',
    'writeCgroupFile',
    'ERANGE',
    { path: 'cpu.weight', detail: 'value=0' },
    'E_BAD_LIMIT',
    'the kernel refused "0" for "cpu.weight": numerical result out of range',
  ],
  [
    'a sysctl that the kernel lacks',
    'setSysctl',
    'ENOENT',
    { pointer: '/linux/sysctl/net.x', path: 'sys/net/x' },
    'E_BAD_SYSCTL',
    'this kernel has no sysctl "net.x"',
  ],
  [
    'a sysctl value',
    'setSysctl',
    'EINVAL',
    { pointer: '/linux/sysctl/net.x', path: 'sys/net/x', detail: 'value=2' },
    'E_BAD_SYSCTL',
    'the kernel refused "2" for sysctl "net.x"',
  ],
  [
    'a resource limit above the caller’s',
    'setrlimit',
    'EPERM',
    { pointer: '/process/rlimits/0', detail: 'resource=7' },
    'E_PROCESS',
    'RLIMIT_NOFILE: operation not permitted',
  ],
  [
    'a uid that is not mapped',
    'setUser',
    'EINVAL',
    { syscall: 'setresuid', detail: 'uid=1000' },
    'E_ID_MAP',
    'uid 1000 is not mapped in the user namespace',
  ],
  [
    'a working directory outside',
    'changeDirectory',
    'ENOENT',
    { syscall: 'getcwd', path: '/proc/self/fd/7' },
    'E_CWD_OUTSIDE',
    'working directory "/proc/self/fd/7" is not inside the container',
  ],
  [
    'a missing working directory',
    'changeDirectory',
    'ENOENT',
    { syscall: 'chdir', path: '/work' },
    'E_PROCESS',
    'working directory "/work": no such file or directory',
  ],
  [
    'a descriptor to preserve that is closed',
    'preserveDescriptors',
    'EBADF',
    { syscall: 'fcntl', detail: 'descriptor=4' },
    'E_USAGE',
    '--preserve-fds: descriptor 4 is not open',
  ],
  [
    'a config.json in the way of spec',
    'createFile',
    'EEXIST',
    { path: '/b/config.json' },
    'E_FILE',
    'the file cannot be written ("/b/config.json"): file exists',
  ],
  [
    'a plan with an empty slot',
    'mount',
    'EBADF',
    { syscall: '', detail: 'slot=3' },
    'E_INTERNAL',
    'the plan uses a descriptor that it has not opened (slot=3)',
  ],
];

for (const [title, op, errno, report, code, message, facts] of rows) {
  test(`${title}: ${code}`, (t) => {
    const error = explain(op, errno, report, facts);
    t.is(error.code, code);
    t.is(error.message, message);
    t.is(error.op, op);
  });
}

test('every op and errno has an explanation of one line, without a final period', (t) => {
  for (const op of Object.keys(opTable) as OpName[]) {
    for (const errno of errnos.keys()) {
      const error = explain(op, errno, { path: '/x', detail: 'a=b' });
      if (!/^[^\n]+[^.\n]$/.test(error.message) || error.hint?.includes('\n')) t.fail(`${op} ${errno}: ${error.message}`);
    }
  }
  t.pass();
});

test('an op that is not known here is reported as it came', (t) => {
  const error = explain('toString' as OpName, 'EPERM');
  t.is(error.code, 'E_SYSTEM');
  t.is(error.message, 'toString: operation not permitted');
});

test('pointer, syscall, errno and path are carried along', (t) => {
  t.like(explain('openTree', 'ENOENT', { pointer: '/mounts/0', syscall: 'open_tree', path: '/data' }), {
    pointer: '/mounts/0',
    syscall: 'open_tree',
    errno: 'ENOENT',
    path: '/data',
  });
});

test('a config.json that cannot be read any more takes nothing from the code', (t) => {
  for (const [, op, errno, report, code, , facts] of rows) {
    if (facts === undefined && !['E_SET_UP_KILLED'].includes(code)) t.is(explain(op, errno, report, { config: null }).code, code);
  }
});

test('the words by which engines tell 126 from 127 are kept', (t) => {
  t.regex(explain('findProgram', 'ENOENT', { path: 'app' }).message, /executable file not found/);
  t.regex(explain('execute', 'ENOENT', { path: '/x' }).message, /no such file or directory/);
  t.regex(explain('execute', 'EACCES', { path: '/x' }).message, /permission denied/);
  t.regex(explain('findProgram', 'EISDIR', { path: '/x' }).message, /is a directory/);
});

test('the hint of a program that is not found names the PATH that was searched', (t) => {
  t.is(explain('findProgram', 'ENOENT', { path: 'app' }).hint, 'process.env has PATH=/usr/bin:/bin');
});

test("criu's own last errors are told, with its log and what helps", (t) => {
  const criuErrors = ['something before', 'vdso: Failed to fill self vdso symtable', 'Could not initialize kernel features detection.'];
  const error = explain('awaitCriu', 'EPROTO', { syscall: 'criu', path: '/i/dump.log', detail: 'it gives no reason' }, { criuErrors });
  t.is(error.code, 'E_CHECKPOINT');
  t.is(
    error.message,
    'the container cannot be checkpointed: criu: vdso: Failed to fill self vdso symtable; Could not initialize kernel features detection. ("/i/dump.log" has more)',
  );
  t.regex(error.hint ?? '', /install a newer one/);
  const silent = explain('awaitCriu', 'ECHILD', { syscall: 'criu', path: '/i/restore.log', detail: 'it ended without an answer' });
  t.is(silent.code, 'E_RESTORE');
  t.is(silent.message, 'the checkpoint cannot be restored: criu: it ended without an answer ("/i/restore.log" has more)');
});

test('rights that a checkpoint has too many are named', (t) => {
  const error = explain('checkConfinement', 'EPERM', { syscall: '', detail: 'pid=7 set=Seccomp' });
  t.is(error.code, 'E_RESTORE');
  t.is(error.message, 'process 7 of the checkpoint has no seccomp filter, which config.json does not allow');
});

test('newuidmap is quoted, and a lost setuid bit is named', (t) => {
  const report = { path: '/usr/bin/newuidmap', pointer: '/linux/uidMappings' };
  const refused = explain('runIdMapProgram', 'ECHILD', {
    ...report,
    detail: 'status=1 milliseconds=3 output=newuidmap: uid range [0-10) -> [5-15) not allowed\n',
  });
  t.is(refused.code, 'E_ID_MAP');
  t.is(refused.message, '"/usr/bin/newuidmap" refused the map: newuidmap: uid range [0-10) -> [5-15) not allowed');
  t.regex(refused.hint ?? '', /getsubids/);
  const powerless = explain('runIdMapProgram', 'ECHILD', {
    ...report,
    detail: 'status=1 milliseconds=3 output=newuidmap: write to uid_map failed: Operation not permitted\n',
  });
  t.regex(powerless.hint ?? '', /setuid root or has file capabilities.*no_new_privs/);
  t.is(explain('runIdMapProgram', 'EACCES', report).message, '"/usr/bin/newuidmap" cannot be run: permission denied');
});

test('a root that the container’s root may not reach is told with its id on the host', (t) => {
  const mapped = {
    ...config,
    linux: {
      ...config.linux,
      uidMappings: [
        { containerID: 1, hostID: 7, size: 1 },
        { containerID: 0, hostID: 100_000, size: 1 },
      ],
    },
  };
  t.regex(explain('openRoot', 'EACCES', { path: '/home/ada/rootfs' }, { config: mapped }).hint ?? '', /the host's uid 100000: chmod o\+x/);
  t.regex(explain('openRoot', 'EACCES', { path: '/home/ada/rootfs' }).hint ?? '', /searchable for this user/);
});

import test from 'ava';
import type { Process } from '../../runtime/config/config.ts';
import { capabilitySets, planCapabilities } from '../../runtime/plan/capabilities.ts';
import { deduplicate, variable } from '../../runtime/plan/environment.ts';
import { planHostName } from '../../runtime/plan/host-name.ts';
import { planLoopback } from '../../runtime/plan/loopback.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { type ProcessOptions, planProcess } from '../../runtime/plan/process.ts';
import { planScheduling } from '../../runtime/plan/scheduling.ts';
import { planSeccomp, type SeccompPlan } from '../../runtime/plan/seccomp/install.ts';

const install: Op[] = [{ op: 'installSeccomp', pointer: '/linux/seccomp', program: new Uint8Array(8), flags: 0 }];
const seccomp: SeccompPlan = { host: [], install, helper: [], hasListener: false };
const options: ProcessOptions = {
  id: 'c1',
  preserveFds: 0,
  noNewKeyring: false,
  privileged: true,
  inUserNamespace: false,
  root: 'root',
  seccomp,
};
const minimal: Process = { cwd: '/', args: ['sh'] };

function plan(process: Partial<Process>, other: Partial<ProcessOptions> = {}) {
  return planProcess({}, { ...minimal, ...process }, { ...options, ...other });
}

function names(ops: readonly Op[]): string[] {
  return ops.map(({ op }) => op);
}

test('the whole of a user’s process, in its order', (t) => {
  const process: Process = {
    cwd: '/srv',
    args: ['server', '-v'],
    env: ['PATH=/bin', 'A=1', 'A=2'],
    user: { uid: 1000, gid: 100, umask: 0o27, additionalGids: [5] },
    capabilities: { bounding: ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 10n, hard: 2n ** 64n - 1n }],
    oomScoreAdj: -7,
    noNewPrivileges: true,
  };
  t.deepEqual(planProcess({}, process, { ...options, preserveFds: 2 }), {
    host: [{ op: 'preserveDescriptors', pointer: '', count: 2 }],
    early: [{ op: 'setOomScoreAdjust', pointer: '/process/oomScoreAdj', value: -7 }],
    begin: [
      { op: 'setsid', pointer: '' },
      { op: 'setUmask', pointer: '', mask: 0 },
      { op: 'joinSessionKeyring', pointer: '', name: '_ses.c1', permissions: 0x8_0000 },
    ],
    directory: [{ op: 'createDirectory', pointer: '/process/cwd', root: 'root', path: '/srv', mode: 0o755, uid: 0, gid: 0 }],
    end: [
      { op: 'closeDescriptors', pointer: '', preserve: 2 },
      { op: 'findHome', pointer: '/process/user/uid', uid: 1000 },
      { op: 'chownStdio', pointer: '', uid: 1000, gid: 0xffff_ffff },
      { op: 'changeDirectory', pointer: '/process/cwd', path: '/srv', mayBeDenied: true },
      { op: 'setAffinity', pointer: '', cpus: [] },
      { op: 'setUmask', pointer: '/process/user/umask', mask: 0o27 },
      { op: 'setrlimit', pointer: '/process/rlimits/0', resource: 7, soft: 10n, hard: 2n ** 64n - 1n },
      { op: 'dropBoundingSet', pointer: '/process/capabilities/bounding', keep: (1n << 40n) | 1n },
      { op: 'keepCapabilities', pointer: '/process/capabilities' },
      { op: 'setNoNewPrivileges', pointer: '/process/noNewPrivileges' },
      { op: 'setUser', pointer: '/process/user', uid: 1000, gid: 100, groups: [5], setGroups: true },
      { op: 'setCapabilities', pointer: '/process/capabilities', effective: 32n, permitted: 32n, inheritable: 0n },
      { op: 'setAmbient', pointer: '/process/capabilities/ambient', ambient: 0n },
      { op: 'changeDirectory', pointer: '/process/cwd', path: '/srv', mayBeDenied: false },
      { op: 'findProgram', pointer: '/process/args/0', name: 'server', searchPath: '/bin' },
      ...install,
      { op: 'execute', pointer: '/process/args', arguments: ['server', '-v'], environment: ['PATH=/bin', 'A=2'] },
    ],
    helper: [],
  });
});

test('without no_new_privs the filter comes while CAP_SYS_ADMIN is there, and with it last', (t) => {
  const before = names(plan({}).end);
  t.true(before.indexOf('installSeccomp') < before.indexOf('setUser'));
  t.true(before.indexOf('dropBoundingSet') < before.indexOf('installSeccomp'));
  t.false(before.includes('setNoNewPrivileges'));
  t.deepEqual(names(plan({ noNewPrivileges: true }).end).slice(-2), ['installSeccomp', 'execute']);
});

test('with a listener the filter comes before the gate: the helper has to be there', (t) => {
  const subject = { ociVersion: '1.3.0', bundle: '/b', privileged: true, state: { before: '{"pid":', after: ',"id":"c1"}' } };
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: 'agent', listenerMetadata: '"x"' } as const;
  const notifying = planSeccomp({ program: new Uint8Array(8), flags: 8 }, profile, subject);
  const gate: Op = { op: 'waitForStart', pointer: '' };
  const late = plan({ noNewPrivileges: true }, { seccomp: notifying, beforeExecute: [gate] });
  t.deepEqual(names(late.end).slice(-3), ['installSeccompListener', 'waitForStart', 'execute']);
  t.deepEqual(names(late.host), ['shareListener']);
  t.deepEqual(names(late.helper), ['takeListener', 'connectSocket', 'sendProcessState', 'confirmListener']);
  t.like(late.helper[1], { path: '/b/agent', pointer: '/linux/seccomp/listenerPath' });
  const [, , send] = late.helper;
  t.deepEqual(JSON.parse(send?.op === 'sendProcessState' ? send.parts.join('42') : ''), {
    ociVersion: '1.3.0',
    fds: ['seccompFd'],
    pid: 42,
    metadata: '"x"',
    state: { pid: 42, id: 'c1' },
  });
  const early = names(plan({}, { seccomp: notifying, beforeExecute: [gate] }).end);
  t.true(early.indexOf('installSeccompListener') < early.indexOf('setUser'));
});

test('root keeps its capabilities by itself, and has one try for its working directory', (t) => {
  const ops = plan({}).end;
  t.false(names(ops).includes('keepCapabilities'));
  t.deepEqual(
    ops.filter(({ op }) => op === 'changeDirectory'),
    [{ op: 'changeDirectory', pointer: '/process/cwd', path: '/', mayBeDenied: false }],
  );
});

test('descriptors are closed before the working directory is entered, and all files are read before the limits hold', (t) => {
  const order = names(plan({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 3n, hard: 3n }] }).end);
  t.true(order.indexOf('closeDescriptors') < order.indexOf('changeDirectory'));
  t.true(order.indexOf('findHome') < order.indexOf('setrlimit'));
  t.true(order.indexOf('setrlimit') < order.indexOf('setUser'));
});

test('in a user namespace the helper sets the limits while init waits', (t) => {
  const { end, helper } = plan({ rlimits: [{ type: 'RLIMIT_RTTIME', soft: 1n, hard: 2n }] }, { inUserNamespace: true });
  t.deepEqual(names(helper), ['waitForChild', 'setrlimit', 'notifyChild']);
  t.like(helper[1], { resource: 15, soft: 1n, hard: 2n });
  const order = names(end);
  t.false(order.includes('setrlimit'));
  t.is(order[order.indexOf('notifyParent') + 1], 'waitForParent');
  t.deepEqual(names(plan({}, { inUserNamespace: true }).helper), []);
});

test('groups are always set, but for an unprivileged user namespace, which denies it, when none are asked for', (t) => {
  const setGroups = (process: Partial<Process>, other: Partial<ProcessOptions>) =>
    plan(process, other).end.flatMap((op) => (op.op === 'setUser' ? [op.setGroups] : []))[0];
  const user = { uid: 0, gid: 0, additionalGids: [1] };
  t.true(setGroups({}, {}));
  t.true(setGroups({}, { inUserNamespace: true }));
  t.false(setGroups({}, { inUserNamespace: true, privileged: false }));
  t.true(setGroups({ user }, { inUserNamespace: true, privileged: false, maySetGroups: true }));
  t.false(setGroups({}, { maySetGroups: false }));
  t.throws(() => setGroups({ user }, { inUserNamespace: true, privileged: false }), { message: /denies setgroups/ });
});

test('capabilities that are absent are none: no set is the caller’s', (t) => {
  const { before, after } = planCapabilities({});
  t.deepEqual(before, [{ op: 'dropBoundingSet', pointer: '/process/capabilities/bounding', keep: 0n }]);
  t.like(after, { 0: { effective: 0n, permitted: 0n, inheritable: 0n }, 1: { ambient: 0n } });
});

test('unknown capabilities are skipped', (t) => {
  t.is(capabilitySets({ bounding: ['CAP_FLY', 'CAP_BPF'] }).bounding, 1n << 39n);
});

test('HOME is looked up only when the environment has none, even an empty one', (t) => {
  t.true(names(plan({}).end).includes('findHome'));
  t.false(names(plan({ env: ['HOME='] }).end).includes('findHome'));
});

test('a new session keyring can be declined, and is found by others in a user namespace', (t) => {
  t.deepEqual(names(plan({}, { noNewKeyring: true }).begin), ['setsid', 'setUmask']);
  t.like(plan({}, { inUserNamespace: true }).begin[2], { permissions: 8 });
});

test('the last of several values of a variable counts', (t) => {
  t.deepEqual(deduplicate(['A=1', 'B=x=y', 'A=2']), ['B=x=y', 'A=2']);
  t.is(variable(['A=1', 'AB=3', 'A='], 'A'), '');
  t.is(variable(['AB=3'], 'A'), undefined);
});

test('scheduler, I/O priority, personality and memory policy are the kernel’s numbers', (t) => {
  const ops = planScheduling({
    process: {
      ...minimal,
      scheduler: {
        policy: 'SCHED_DEADLINE',
        flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_UTIL_CLAMP_MAX'],
        runtime: 1024n,
        deadline: 2n ** 62n,
      },
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
    },
    linux: {
      personality: { domain: 'LINUX32' },
      memoryPolicy: { mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0-2,5', flags: ['MPOL_F_STATIC_NODES'] },
    },
  });
  t.deepEqual(ops, [
    { op: 'setAffinity', pointer: '', cpus: [] },
    {
      op: 'setScheduler',
      pointer: '/process/scheduler',
      policy: 6,
      flags: 0x41n,
      nice: 0,
      priority: 0,
      runtime: 1024n,
      deadline: 2n ** 62n,
      period: 0n,
    },
    { op: 'setIoPriority', pointer: '/process/ioPriority', priority: (2 << 13) | 4 },
    { op: 'setPersonality', pointer: '/linux/personality', persona: 8 },
    { op: 'setMemoryPolicy', pointer: '/linux/memoryPolicy', mode: 6 | (1 << 15), nodes: [0, 1, 2, 5] },
  ]);
});

test('names of the host are set once each, domainname also as a sysctl', (t) => {
  const ops = planHostName({ hostname: 'h', linux: { sysctl: { 'kernel/domainname': 'd', 'net.core.somaxconn': '1' } } });
  t.deepEqual(ops, [
    { op: 'sethostname', pointer: '/hostname', name: 'h' },
    { op: 'setdomainname', pointer: '/linux/sysctl/kernel~1domainname', name: 'd' },
  ]);
  t.is(planHostName({ domainname: 'd', linux: { sysctl: { 'kernel.domainname': 'd' } } }).length, 1);
});

test('the loopback interface comes up in a new network namespace only', (t) => {
  t.deepEqual(planLoopback({ linux: { namespaces: [{ type: 'pid' }, { type: 'network' }] } }), [
    { op: 'bringLoopbackUp', pointer: '/linux/namespaces/1' },
  ]);
  t.deepEqual(planLoopback({ linux: { namespaces: [{ type: 'network', path: '/x' }] } }), []);
  t.deepEqual(planLoopback({}), []);
});

test('--init forks once there are limits for both, and before what is one process’ own: scheduling, seccomp, user, terminal', (t) => {
  const control: Op[] = [{ op: 'setsid', pointer: '' }];
  const { host, begin, end } = plan(
    {
      user: { uid: 7, gid: 8 },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 3n, hard: 3n }],
      capabilities: { permitted: ['CAP_KILL', 'CAP_CHOWN'] },
    },
    { child: control },
  );
  t.deepEqual(names(host), ['openHelper']);
  t.true(names(begin).includes('prepareInit'));
  const order = names(end).filter((name) => ['setrlimit', 'fork', 'setsid', 'setAffinity', 'installSeccomp', 'setUser'].includes(name));
  t.deepEqual(order, ['setrlimit', 'fork', 'setsid', 'setAffinity', 'installSeccomp', 'setUser']);
  const fork = end.find(({ op }) => op === 'fork');
  t.deepEqual(fork?.op === 'fork' && fork.program, [
    { op: 'changeDirectory', pointer: '', path: '/', mayBeDenied: false },
    { op: 'dropBoundingSet', pointer: '', keep: 1n << 5n },
    { op: 'setUser', pointer: '/process/user', uid: 7, gid: 8, groups: [], setGroups: true },
    { op: 'setCapabilities', pointer: '', effective: 1n << 5n, permitted: 1n << 5n, inheritable: 0n },
    { op: 'setAmbient', pointer: '', ambient: 0n },
    { op: 'becomeInit', pointer: '' },
  ]);
});

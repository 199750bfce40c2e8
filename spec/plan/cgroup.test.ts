import test, { type ExecutionContext } from 'ava';
import type { Resources } from '../../runtime/config/config.ts';
import type { ErrorCode } from '../../runtime/errors/codes.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { type CgroupOptions, planCgroup } from '../../runtime/plan/cgroup.ts';
import type { Cgroup2Facts, CgroupFacts, HostFacts } from '../../runtime/plan/host-facts.ts';
import { fixedFacts } from '../support/compile-request.ts';
import { configWith, opsOf } from '../support/plan-context.ts';

const all = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'];
const options: CgroupOptions = { id: 'c1', root: '/run/krun', cgroupManager: 'cgroupfs' };

interface Tree {
  readonly [path: string]: Partial<CgroupFacts>;
}

function factsWith(tree: Tree, more: Partial<HostFacts> & { readonly own?: string | null } = {}): HostFacts {
  const { own = '/user.slice/a.scope', ...others } = more;
  const cgroup2: Cgroup2Facts = {
    mountpoint: '/cg',
    own,
    look: (path) => ({ exists: path in tree, controllers: [], enabled: [], isWritable: true, ...tree[path] }),
    ioWeightFiles: ['io.weight'],
    delegatable: ['cgroup.procs', 'cgroup.subtree_control'],
  };
  return {
    architecture: 'x86_64',
    kernelRelease: '6.1',
    euid: 0,
    inUserNamespace: false,
    deniesSetgroups: false,
    idMaps: fixedFacts.idMaps,
    cgroup2,
    version1Controllers: new Map(),
    securityModules: { apparmor: false, selinux: false },
    resctrl: null,
    systemd: fixedFacts.systemd,
    ...others,
  };
}

const host = factsWith({ '/': { controllers: all, enabled: all }, '/user.slice': { controllers: all } });
const withResources = (resources: Resources) => configWith({ linux: { resources } });

test('what undoes the cgroup comes first, then it is made, then limited, with the device program last', (t) => {
  const plan = planCgroup(withResources({ pids: { limit: 9n }, memory: { limit: 64n * 1048576n } }), options, host);
  t.is(plan.slot, 'cgroup');
  t.deepEqual(plan.cgroup, { mountpoint: '/cg', path: '/user.slice/krun-c1' });
  t.deepEqual(plan.create, [
    {
      op: 'onExit',
      pointer: '',
      program: [
        { op: 'killCgroup', pointer: '', cgroup: 'cgroup' },
        { op: 'removeCgroup', pointer: '', mountpoint: '/cg', path: '/user.slice/krun-c1', cgroup: 'cgroup' },
      ],
    },
    {
      op: 'createCgroup',
      pointer: '/linux/cgroupsPath',
      mountpoint: '/cg',
      path: '/user.slice/krun-c1',
      owner: '/run/krun/c1',
      required: ['pids', 'memory'],
      wanted: ['cpu', 'cpuset', 'hugetlb', 'io', 'misc', 'rdma'],
      cgroup: 'cgroup',
    },
  ]);
  t.deepEqual(plan.confine.slice(0, -1), [
    { op: 'writeCgroupFile', pointer: '/linux/resources/pids/limit', cgroup: 'cgroup', file: 'pids.max', value: '9', optional: false },
    {
      op: 'writeCgroupFile',
      pointer: '/linux/resources/memory/limit',
      cgroup: 'cgroup',
      file: 'memory.max',
      value: '67108864',
      optional: false,
    },
  ]);
  t.like(plan.confine.at(-1), { op: 'attachDeviceProgram', pointer: '/linux/resources/devices', cgroup: 'cgroup' });
});

test('without resources there is a cgroup all the same, with a device program that denies by default', (t) => {
  const { confine, create } = planCgroup(configWith(), options, host);
  t.deepEqual(
    confine.map(({ op }) => op),
    ['attachDeviceProgram'],
  );
  t.like(opsOf(create, 'createCgroup')[0], { required: [], wanted: ['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'misc', 'pids', 'rdma'] });
});

test('a value that limits nothing requires no controller', (t) => {
  const bare = factsWith({ '/': {}, '/user.slice': {} });
  const { create, confine } = planCgroup(withResources({ pids: { limit: -1n }, memory: { limit: -1n } }), options, bare);
  t.deepEqual(opsOf(create, 'createCgroup')[0]?.required, []);
  t.true(opsOf(confine, 'writeCgroupFile').every(({ optional }) => optional));
});

test('a limit whose controller v1 holds is refused with where it is and how to move it', (t) => {
  const hybrid = factsWith(
    { '/': { controllers: ['hugetlb'] } },
    {
      version1Controllers: new Map([
        ['memory', '/sys/fs/cgroup/memory'],
        ['io', ''],
      ]),
    },
  );
  const memory = refusal(t, () => planCgroup(withResources({ memory: { limit: 1n << 30n } }), options, hybrid), 'E_NO_CONTROLLER');
  t.like(memory, {
    message: 'limit memory.max needs the cgroup controller "memory", which cgroup v1 holds at /sys/fs/cgroup/memory',
    pointer: '/linux/resources/memory/limit',
    hint: 'krun uses cgroup v2 only: boot with systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=memory',
  });
  const io = refusal(t, () => planCgroup(withResources({ blockIO: { weight: 10 } }), options, hybrid), 'E_NO_CONTROLLER');
  t.is(io.pointer, '/linux/resources/blockIO/weight');
  t.regex(io.hint ?? '', /cgroup_no_v1=blkio$/);
});

test('a limit whose controller nobody has is refused', (t) => {
  const error = refusal(t, () => planCgroup(withResources({ unified: { 'misc.max': 'x 1' } }), options, host), 'E_NO_CONTROLLER');
  t.like(error, {
    pointer: '/linux/resources/unified/misc.max',
    message: 'limit misc.max needs the cgroup controller "misc", which /cg does not have',
  });
});

test('a controller that an ancestor does not pass on is refused with the drop-in that helps', (t) => {
  const own = '/user.slice/user-1000.slice/user@1000.service/app.slice/t.scope';
  const service = { controllers: ['memory', 'pids'], enabled: ['memory', 'pids'] };
  const tree = {
    '/': { controllers: all, enabled: all, isWritable: false },
    '/user.slice': { controllers: all, enabled: service.enabled, isWritable: false },
    '/user.slice/user-1000.slice': { ...service, isWritable: false },
    '/user.slice/user-1000.slice/user@1000.service': service,
    '/user.slice/user-1000.slice/user@1000.service/app.slice': service,
  };
  const rootless = factsWith(tree, { euid: 1000, own });
  t.notThrows(() => planCgroup(withResources({ memory: { limit: 1n << 30n } }), options, rootless));
  const error = refusal(t, () => planCgroup(withResources({ cpu: { quota: 5000n } }), options, rootless), 'E_NO_CONTROLLER');
  t.like(error, {
    message: 'limit cpu.max needs the cgroup controller "cpu", which cgroup /user.slice does not pass on',
    pointer: '/linux/resources/cpu/quota',
    path: '/cg/user.slice',
  });
  t.regex(error.hint ?? '', /user@\.service\.d.*Delegate=cpu cpuset io memory pids/);
});

test('a controller that krun may pass on itself is no problem', (t) => {
  const tree = { '/': { controllers: all, enabled: [] } };
  t.notThrows(() => planCgroup(withResources({ cpu: { quota: 5000n } }), options, factsWith(tree)));
});

test('a controller that a cgroup on the way lacks is no problem where the one above may still pass it on', (t) => {
  const tree = { '/': { controllers: all, enabled: [] }, '/user.slice': { controllers: [] } };
  t.notThrows(() => planCgroup(withResources({ cpu: { quota: 5000n } }), options, factsWith(tree)));
  const barred = { ...tree, '/': { ...tree['/'], isWritable: false } };
  const error = refusal(t, () => planCgroup(withResources({ cpu: { quota: 5000n } }), options, factsWith(barred)), 'E_NO_CONTROLLER');
  t.is(error.message, 'limit cpu.max needs the cgroup controller "cpu", which cgroup / does not pass on');
});

test('a memory limit that would kill the set-up is refused with the least that starts', (t) => {
  const error = refusal(t, () => planCgroup(withResources({ memory: { limit: 65536n } }), options, host), 'E_BAD_LIMIT');
  t.is(error.pointer, '/linux/resources/memory/limit');
  t.regex(error.message ?? '', /^memory limit 65536 is too small to start: at least \d+ bytes/);
});

test('without cgroup2 nothing starts, unless cgroups are switched off', (t) => {
  const none = factsWith({}, { cgroup2: null });
  refusal(t, () => planCgroup(configWith(), options, none), 'E_NO_CGROUP2');
  t.deepEqual(planCgroup(configWith(), { ...options, cgroupManager: 'disabled' }, none), {
    slot: null,
    unit: null,
    enter: [],
    entered: [],
    cgroup: null,
    create: [],
    confine: [],
    exit: [],
  });
});

test('with cgroups switched off a limit is refused, not forgotten', (t) => {
  const disabled: CgroupOptions = { ...options, cgroupManager: 'disabled' };
  const error = refusal(t, () => planCgroup(withResources({ pids: { limit: 5n } }), disabled, host), 'E_BAD_LIMIT');
  t.is(error.pointer, '/linux/resources/pids/limit');
  t.notThrows(() => planCgroup(withResources({ pids: { limit: -1n }, devices: [{ allow: false, access: 'rwm' }] }), disabled, host));
});

test('who may not make cgroups starts without one, if neither a limit nor a path is asked for', (t) => {
  const readOnly = { '/': { controllers: all, enabled: all, isWritable: false }, '/user.slice': { controllers: all, isWritable: false } };
  const rootless = factsWith(readOnly, { euid: 1000 });
  const nested = factsWith(readOnly, { euid: 0, inUserNamespace: true });
  for (const facts of [rootless, nested]) {
    t.is(planCgroup(configWith(), options, facts).slot, null);
    t.is(planCgroup(withResources({ devices: [{ allow: false, access: 'rwm' }] }), options, facts).slot, null);
    refusal(t, () => planCgroup(withResources({ pids: { limit: 5n } }), options, facts), 'E_NO_CGROUP2');
    refusal(t, () => planCgroup(configWith({ linux: { cgroupsPath: '/x' } }), options, facts), 'E_NO_CGROUP2');
  }
  refusal(t, () => planCgroup(configWith(), options, factsWith(readOnly)), 'E_NO_CGROUP2');
});

test('without privileges no device program is attached, but limits are set', (t) => {
  const rootless = factsWith({ '/': { controllers: all, enabled: all }, '/user.slice': { controllers: all } }, { euid: 1000 });
  t.deepEqual(
    planCgroup(withResources({ pids: { limit: 5n } }), options, rootless).confine.map(({ op }) => op),
    ['writeCgroupFile'],
  );
});

test('a cgroup that an engine has made for a caller without rights above it is used', (t) => {
  const tree = {
    '/': { controllers: all, isWritable: false },
    '/pre': { controllers: [], isWritable: false },
    '/pre/made': { controllers: [] },
  };
  const plan = planCgroup(configWith({ linux: { cgroupsPath: '/pre/made' } }), options, factsWith(tree, { euid: 1000 }));
  t.is(plan.cgroup?.path, '/pre/made');
});

function refusal(t: ExecutionContext, plan: () => unknown, code: ErrorCode): KrunError {
  const error = t.throws(plan, { instanceOf: KrunError, code });
  if (error === undefined) throw new Error('not refused');
  return error;
}

test('--rootless true does without a cgroup that may not be made, false never does, auto only without privileges', (t) => {
  const readOnly = { '/': { controllers: all, enabled: all, isWritable: false }, '/user.slice': { controllers: all, isWritable: false } };
  const start = (rootless: 'true' | 'false' | 'auto', euid: number, config = configWith()) =>
    planCgroup(config, { ...options, rootless }, factsWith(readOnly, { euid })).cgroup;
  t.is(start('true', 0), null);
  t.is(start('auto', 1000), null);
  t.is(start('true', 1000), null);
  refusal(t, () => start('auto', 0), 'E_NO_CGROUP2');
  refusal(t, () => start('false', 1000), 'E_NO_CGROUP2');
  refusal(t, () => start('true', 0, withResources({ pids: { limit: 9n } })), 'E_NO_CGROUP2');
  refusal(t, () => start('true', 0, configWith({ linux: { cgroupsPath: '/x' } })), 'E_NO_CGROUP2');
});

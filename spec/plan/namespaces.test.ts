import test from 'ava';
import type { Linux } from '../../runtime/config/config.ts';
import { type NamespaceConfig, planNamespaces } from '../../runtime/plan/namespaces.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { planSysctls } from '../../runtime/plan/sysctl.ts';
import { fixedFacts } from '../support/compile-request.ts';

const program: Op[] = [{ op: 'setsid', pointer: '' }];
const early: Op[] = [{ op: 'setOomScoreAdjust', pointer: '/process/oomScoreAdj', value: 5 }];
const maps = {
  uidMappings: [
    { containerID: 0, hostID: 100_000, size: 10 },
    { containerID: 10, hostID: 200_000, size: 5 },
  ],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 10 }],
} as const;

const hidden = { op: 'setDumpable', pointer: '', dumpable: false };
const root = { op: 'setUser', pointer: '/linux/uidMappings', uid: 0, gid: 0, groups: [], setGroups: false };

function start(linux: Linux, privileged = true): readonly Op[] {
  return planNamespaces({ linux }, { privileged, host: fixedFacts }).start({ program, cgroup: 'cgroup', early });
}

function host(linux: Linux): readonly Op[] {
  return planNamespaces({ linux }, { privileged: true, host: fixedFacts }).host;
}

test('new namespaces are made by one clone3, except the cgroup namespace, which init leaves for once it is in its cgroup', (t) => {
  const linux: Linux = { namespaces: (['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'time'] as const).map((type) => ({ type })) };
  t.deepEqual(host(linux), []);
  t.deepEqual(start(linux), [
    {
      op: 'clone',
      pointer: '/linux/namespaces',
      flags: 0x6c02_0080n,
      cgroup: 'cgroup',
      program: [...early, hidden, { op: 'unshare', pointer: '/linux/namespaces', flags: 0x0200_0000n }, ...program],
    } as Op,
  ]);
});

test('without namespaces init is a child of the helper in the same ones', (t) => {
  t.deepEqual(start({}), [{ op: 'clone', pointer: '', flags: 0n, cgroup: 'cgroup', program: [...early, hidden, ...program] } as Op]);
});

test('a new user namespace comes with the others; init waits for its maps and is then its root', (t) => {
  t.deepEqual(start({ namespaces: [{ type: 'user' }, { type: 'uts' }], ...maps }), [
    {
      op: 'clone',
      pointer: '/linux/namespaces',
      flags: 0x1400_0000n,
      cgroup: 'cgroup',
      program: [{ op: 'waitForParent', pointer: '', stage: 10 }, root, hidden, ...program],
    },
    {
      op: 'writeIdMaps',
      pointer: '/linux/uidMappings',
      uidMap: '0 100000 10\n10 200000 5\n',
      gidMap: '0 100000 10\n',
      denySetgroups: false,
    },
    ...early,
    { op: 'notifyChild', pointer: '', stage: 10 },
  ] as Op[]);
});

test('without privileges setgroups is denied before the maps', (t) => {
  const own = [{ containerID: 0, hostID: 1000, size: 1 }];
  const [, write] = start({ namespaces: [{ type: 'user' }], uidMappings: own, gidMappings: own }, false);
  t.like(write, { op: 'writeIdMaps', denySetgroups: true });
});

test('a container whose maps have no root gets the least id that there is', (t) => {
  const mapping = [{ containerID: 1000, hostID: 1000, size: 1 }];
  const [clone] = start({ namespaces: [{ type: 'user' }], uidMappings: mapping, gidMappings: mapping }, false);
  t.like(clone, { program: { 1: { op: 'setUser', uid: 1000, gid: 1000 } } });
});

test('namespaces are opened by path before the clone, and joined by init, the mount namespace last', (t) => {
  const linux: Linux = {
    namespaces: [{ type: 'mount', path: '/proc/7/ns/mnt' }, { type: 'pid' }, { type: 'network', path: '/run/netns/a' }],
  };
  t.deepEqual(host(linux), [
    {
      op: 'openNamespace',
      pointer: '/linux/namespaces/0',
      path: '/proc/7/ns/mnt',
      type: 0x2_0000n,
      foreign: false,
      namespace: 'mount-namespace',
    },
    {
      op: 'openNamespace',
      pointer: '/linux/namespaces/2',
      path: '/run/netns/a',
      type: 0x4000_0000n,
      foreign: false,
      namespace: 'network-namespace',
    },
  ]);
  t.deepEqual(start(linux), [
    {
      op: 'clone',
      pointer: '/linux/namespaces',
      flags: 0x2000_0000n,
      cgroup: 'cgroup',
      program: [
        ...early,
        hidden,
        { op: 'setns', pointer: '/linux/namespaces/2', namespace: 'network-namespace', type: 0x4000_0000n },
        { op: 'setns', pointer: '/linux/namespaces/0', namespace: 'mount-namespace', type: 0x2_0000n },
        ...program,
      ],
    } as Op,
  ]);
});

test('a joined namespace that the configuration changes must not be the host’s own', (t) => {
  const namespaces = (['uts', 'network', 'ipc'] as const).map((type) => ({ type, path: `/run/ns/${type}` }));
  const changed = (config: Omit<NamespaceConfig, 'linux'>, sysctl: Record<string, string>) =>
    planNamespaces({ ...config, linux: { namespaces, sysctl } }, { privileged: true, host: fixedFacts }).host.flatMap((op) =>
      op.op === 'openNamespace' && op.foreign ? [op.path] : [],
    );
  t.deepEqual(changed({}, {}), []);
  t.deepEqual(changed({ hostname: 'x' }, {}), ['/run/ns/uts']);
  t.deepEqual(changed({}, { 'net.core.somaxconn': '1' }), ['/run/ns/network']);
  t.deepEqual(changed({}, { 'kernel.domainname': 'x', 'kernel.shmmax': '1' }), ['/run/ns/uts', '/run/ns/ipc']);
});

test('a joined pid namespace takes a stage, whose child is init', (t) => {
  t.deepEqual(start({ namespaces: [{ type: 'pid', path: '/proc/7/ns/pid' }, { type: 'uts' }] }), [
    {
      op: 'clone',
      pointer: '',
      flags: 0n,
      cgroup: null,
      program: [
        ...early,
        hidden,
        { op: 'setns', pointer: '/linux/namespaces/0', namespace: 'pid-namespace', type: 0x2000_0000n },
        { op: 'clone', pointer: '/linux/namespaces', flags: 0x0400_8000n, cgroup: 'cgroup', program: [hidden, ...program] },
      ],
    } as Op,
  ]);
});

test('a joined user namespace is entered last, and what is new is made in it; the stage is in the cgroup already', (t) => {
  const namespaces = [{ type: 'user', path: '/proc/7/ns/user' }, { type: 'network', path: '/proc/7/ns/net' }, { type: 'ipc' }] as const;
  const setns = {
    user: { op: 'setns', pointer: '/linux/namespaces/0', namespace: 'user-namespace', type: 0x1000_0000n },
    network: { op: 'setns', pointer: '/linux/namespaces/1', namespace: 'network-namespace', type: 0x4000_0000n },
  };
  const init = { op: 'clone', pointer: '/linux/namespaces', flags: 0x0800_8000n, cgroup: null, program: [root, hidden, ...program] };
  const stage = (joins: unknown[]) =>
    [{ op: 'clone', pointer: '', flags: 0n, cgroup: 'cgroup', program: [...early, hidden, ...joins, init] }] as Op[];
  t.deepEqual(start({ namespaces }), stage([setns.network, setns.user]));
  t.deepEqual(start({ namespaces }, false), stage([setns.user, setns.network]), 'without privileges it gives the rights over the others');
});

test('time offsets are set by a stage before anybody is in the time namespace, which the user namespace owns', (t) => {
  const linux: Linux = {
    namespaces: [{ type: 'time' }, { type: 'user' }, { type: 'pid' }],
    timeOffsets: { monotonic: { secs: -(2n ** 60n), nanosecs: 7 }, boottime: {} },
    ...maps,
  };
  const ops = start(linux);
  t.deepEqual(ops[0], {
    op: 'clone',
    pointer: '',
    flags: 0n,
    cgroup: 'cgroup',
    program: [
      ...early,
      { op: 'unshare', pointer: '/linux/namespaces', flags: 0x1000_0080n },
      { op: 'setTimeOffsets', pointer: '/linux/timeOffsets', proc: null, offsets: 'monotonic -1152921504606846976 7\nboottime 0 0\n' },
      {
        op: 'clone',
        pointer: '/linux/namespaces',
        flags: 0x2000_8000n,
        cgroup: null,
        program: [
          { op: 'notifyParent', pointer: '', stage: 10 },
          { op: 'waitForParent', pointer: '', stage: 10 },
          root,
          hidden,
          ...program,
        ],
      },
    ],
  } as Op);
  t.deepEqual(
    ops.slice(1).map(({ op }) => op),
    ['waitForChild', 'writeIdMaps', 'notifyChild'],
  );
});

test('after the join of a mount namespace no path of procfs is trusted', (t) => {
  const linux: Linux = { namespaces: [{ type: 'time' }, { type: 'mount', path: '/x' }], timeOffsets: { boottime: { secs: 1n } } };
  t.like(host(linux), { 1: { op: 'openProc', proc: 'host-proc' } });
  t.true(JSON.stringify(start(linux), (_, value) => (typeof value === 'bigint' ? `${value}` : value)).includes('"proc":"host-proc"'));
});

test('sysctls go through a detached procfs: init’s, or the helper’s where init may not make one', (t) => {
  const sysctl = { 'net.ipv4.conf.eth0/1.forwarding': '1', 'kernel.domainname': 'x' };
  const write: Op = {
    op: 'setSysctl',
    pointer: '/linux/sysctl/net.ipv4.conf.eth0~11.forwarding',
    proc: 'sysctl-proc',
    path: 'net/ipv4/conf/eth0.1/forwarding',
    value: '1',
  };
  const open: Op = { op: 'openProc', pointer: '/linux/sysctl', proc: 'sysctl-proc' };
  t.deepEqual(planSysctls({ linux: { sysctl } }), { host: [], init: [open, write] });
  t.deepEqual(planSysctls({ linux: { sysctl, namespaces: [{ type: 'user' }, { type: 'pid' }] } }), { host: [], init: [open, write] });
  t.deepEqual(planSysctls({ linux: { sysctl, namespaces: [{ type: 'user' }] } }), { host: [open], init: [write] });
  t.deepEqual(planSysctls({ linux: { sysctl: { 'kernel.domainname': 'x' } } }), { host: [], init: [] });
});

// Requests for compilePlan with facts of a made-up host: the same everywhere.
import fc, { type Arbitrary } from 'fast-check';
import type { Config, Process } from '../../runtime/config/config.ts';
import type { StartRequest } from '../../runtime/plan/compile.ts';
import type { Cgroup2Facts, HostFacts } from '../../runtime/plan/host-facts.ts';
import { arbitraryConfig } from './arbitrary-config.ts';

const controllers = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'];

/** A host with cgroup2 and all of its controllers, asked by root in /user.slice/shell. */
export const fixedFacts: HostFacts = {
  architecture: 'x86_64',
  kernelRelease: '6.1.0',
  euid: 0,
  inUserNamespace: false,
  deniesSetgroups: false,
  idMaps: { user: 'ada', uids: { own: 1000, program: null, ranges: [] }, gids: { own: 1000, program: null, ranges: [] } },
  cgroup2: cgroup2(true),
  version1Controllers: new Map(),
  securityModules: { apparmor: true, selinux: true },
  resctrl: { mountpoint: '/sys/fs/resctrl', schemataOf: () => null },
  systemd: {
    isRunning: true,
    system: { sockets: ['/run/dbus/system_bus_socket'], root: '' },
    user: { sockets: ['/run/user/1000/bus'], root: '/user.slice/user-1000.slice/user@1000.service' },
    ownerUid: 0,
  },
};

export function requestFor(config: Config, others: Partial<StartRequest> = {}): StartRequest {
  const process: Process = config.process ?? { cwd: '/', args: ['true'] };
  return {
    config: { ...config, process },
    id: 'test',
    bundle: '/bundle',
    layers: null,
    seccomp: config.linux?.seccomp === undefined ? null : { program: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 },
    facts: fixedFacts,
    cgroupManager: 'cgroupfs',
    rootless: 'auto',
    preserveFds: 0,
    noNewKeyring: false,
    init: false,
    noSubreaper: false,
    pidFile: null,
    mode: 'attend',
    consoleSocket: null,
    pidfdSocket: null,
    keep: false,
    state: {
      root: '/run/krun',
      creatingFile: 'creating',
      initFile: 'init',
      gate: { gate: 'start.fifo', report: 'report.fifo' },
      files: () => [{ name: 'state.json', content: Uint8Array.of(0x7b, 0x7d) }],
    },
    ...others,
  };
}

/** Any valid configuration on any kind of host with any options; most can be planned. */
export function arbitraryRequest(): Arbitrary<StartRequest> {
  return fc
    .record({
      config: arbitraryConfig().map(withMountNamespace),
      facts: fc.oneof({ weight: 3, arbitrary: fc.constant(fixedFacts) }, { weight: 1, arbitrary: otherFacts }),
      layers: fc.constantFrom(
        null,
        null,
        { lowers: ['/layer'], writable: null, size: 0n },
        { lowers: [], writable: { upper: '/u', work: '/w' }, size: 0n },
      ),
      preserveFds: fc.nat(3),
      noNewKeyring: fc.boolean(),
      init: fc.boolean(),
      pidFile: fc.constantFrom(null, '/run/pid'),
      mode: fc.constantFrom('create', 'detach', 'attend', 'attend'),
      keep: fc.boolean(),
    })
    .map(({ config, ...others }) => requestFor(config, others));
}

// Without one a container is refused: nearly all configurations would be.
function withMountNamespace(config: Config): Config {
  const namespaces = config.linux?.namespaces ?? [];
  if (namespaces.some(({ type }) => type === 'mount')) return config;
  return { ...config, linux: { ...config.linux, namespaces: [...namespaces, { type: 'mount' }] } };
}

const otherFacts: Arbitrary<HostFacts> = fc.record({
  architecture: fc.constantFrom('x86_64', 'aarch64'),
  kernelRelease: fc.constant('6.1.0'),
  euid: fc.constantFrom(0, 1000),
  inUserNamespace: fc.boolean(),
  deniesSetgroups: fc.boolean(),
  idMaps: fc.record({
    user: fc.constantFrom('ada', null),
    uids: fc.record({
      own: fc.constant(1000),
      program: fc.constantFrom(null, '/bin/newuidmap'),
      ranges: fc.constantFrom(null, [{ first: 0, count: 1_000_000 }]),
    }),
    gids: fc.record({
      own: fc.constant(1000),
      program: fc.constantFrom(null, '/bin/newgidmap'),
      ranges: fc.constantFrom(null, [{ first: 0, count: 1_000_000 }]),
    }),
  }),
  cgroup2: fc.constantFrom(null, cgroup2(true), cgroup2(false)),
  version1Controllers: fc.constantFrom(new Map(), new Map([['memory', '/sys/fs/cgroup/memory']])),
  systemd: fc.constant(fixedFacts.systemd),
  securityModules: fc.record({ apparmor: fc.boolean(), selinux: fc.boolean() }),
  resctrl: fc.constantFrom(null, { mountpoint: '/sys/fs/resctrl', schemataOf: () => null }),
});

function cgroup2(isWritable: boolean): Cgroup2Facts {
  return {
    mountpoint: '/sys/fs/cgroup',
    own: '/user.slice/shell',
    look: (path) => ({ exists: path === '/' || path === '/user.slice', controllers, enabled: controllers, isWritable }),
    ioWeightFiles: ['io.weight'],
    delegatable: ['cgroup.procs', 'cgroup.subtree_control'],
  };
}

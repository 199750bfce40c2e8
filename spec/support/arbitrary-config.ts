import fc, { type Arbitrary } from 'fast-check';
import { capabilityNames } from '../../runtime/config/capabilities.ts';
import {
  type Capabilities,
  type Config,
  type Linux,
  type Mount,
  type Namespace,
  type Process,
  validateConfig,
} from '../../runtime/config/config.ts';
import { type NamespaceType, namespaceTypes } from '../../runtime/config/namespaces.ts';
import { rlimitTypes } from '../../runtime/config/rlimits.ts';
import { ioPriorityClasses } from '../../runtime/config/scheduling.ts';
import { seccompArchitectures, seccompOperators } from '../../runtime/config/seccomp.ts';

/** Random configurations that validateConfig accepts. */
export function arbitraryConfig(): Arbitrary<Config> {
  return fc.subarray([...namespaceTypes], { minLength: 0 }).chain((types) => arbitraryConfigWith(new Set(types)));
}

// The namespaces are drawn first: most other settings are allowed only with theirs.
function arbitraryConfigWith(types: ReadonlySet<NamespaceType>): Arbitrary<Config> {
  const ifIn = <T>(type: NamespaceType, arbitrary: Arbitrary<T>): Arbitrary<T | undefined> =>
    types.has(type) ? fc.option(arbitrary, { nil: undefined }) : fc.constant(undefined);
  return fc
    .record({
      ociVersion: fc.constantFrom('1.0.0', '1.0.2-dev', '1.2.0', '1.3.0', '1.99.0-rc.1+build.5'),
      root: fc.record({ path, readonly: types.has('mount') ? fc.boolean() : fc.constant(false) }, { requiredKeys: ['path'] }),
      process: processes,
      hostname: ifIn('uts', names),
      domainname: ifIn('uts', names),
      mounts: ifIn('mount', fc.array(mounts, { maxLength: 6 })),
      annotations: optional(fc.dictionary(names, text, { maxKeys: 3 })),
      linux: linuxWith(types),
    })
    .map(withoutUndefined)
    .map((config) => config as Config)
    .filter((config) => validateConfig(config).config !== undefined);
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => value.isWellFormed() && !value.includes('\0'));
const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const path = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const absolute = path.map((relative) => `/${relative}`);
const uint32 = fc.nat({ max: 0xffff_ffff });
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 64n - 1n));
const positiveInt64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const limit = fc.oneof(fc.constant(-1n), positiveInt64);

const rlimits = fc
  .subarray([...rlimitTypes])
  .chain((types) => fc.tuple(...types.map((type) => fc.tuple(uint64, uint64).map(([one, other]) => orderedLimit(type, one, other)))));

const capabilities: Arbitrary<Capabilities> = fc
  .tuple(capabilitySet(), capabilitySet(), capabilitySet())
  .map(([bounding, permitted, inheritable]) => ({
    bounding,
    permitted,
    inheritable,
    effective: permitted.slice(0, Math.ceil(permitted.length / 2)),
    ambient: permitted.filter((name) => inheritable.includes(name)),
  }));

const schedulers = fc.oneof(
  fc.record({ policy: fc.constantFrom('SCHED_OTHER', 'SCHED_BATCH', 'SCHED_IDLE'), nice: fc.integer({ min: -20, max: 19 }) }),
  fc.record({ policy: fc.constantFrom('SCHED_FIFO', 'SCHED_RR'), priority: fc.integer({ min: 1, max: 99 }) }),
  fc.record({
    policy: fc.constant('SCHED_DEADLINE'),
    runtime: fc.constant(10_000n),
    deadline: fc.constant(20_000n),
    period: fc.constant(30_000n),
  }),
);

// Ids below 1000, which every map below covers.
const processes: Arbitrary<unknown> = fc
  .record({
    cwd: absolute,
    args: fc.tuple(names, fc.array(text, { maxLength: 3 })).map(([program, args]) => [program, ...args]),
    env: optional(
      fc.array(
        fc.tuple(names, text).map(([name, value]) => `${name}=${value}`),
        { maxLength: 4 },
      ),
    ),
    user: optional(
      fc.record({
        uid: fc.nat({ max: 999 }),
        gid: fc.nat({ max: 999 }),
        umask: fc.nat({ max: 0o777 }),
        additionalGids: fc.array(fc.nat({ max: 999 }), { maxLength: 3 }),
      }),
    ),
    capabilities: optional(capabilities),
    rlimits: optional(rlimits),
    noNewPrivileges: optional(fc.boolean()),
    oomScoreAdj: optional(fc.integer({ min: -1000, max: 1000 })),
    scheduler: optional(schedulers),
    ioPriority: optional(fc.record({ class: fc.constantFrom(...ioPriorityClasses), priority: fc.nat({ max: 7 }) })),
  })
  .map(withoutUndefined) satisfies Arbitrary<unknown> as Arbitrary<Process>;

const flags = fc.subarray(['ro', 'nosuid', 'nodev', 'noexec', 'noatime']);
const mounts: Arbitrary<Mount> = fc.oneof(
  fc.record({ destination: absolute, type: fc.constant('tmpfs'), source: fc.constant('tmpfs'), options: flags }),
  fc.record({ destination: fc.constant('/proc'), type: fc.constant('proc'), source: fc.constant('proc'), options: flags }),
  fc.record({
    destination: absolute,
    source: fc.oneof(path, absolute),
    options: fc.tuple(fc.constantFrom('bind', 'rbind'), flags).map(([bind, others]) => [bind, ...others]),
  }),
);

function linuxWith(types: ReadonlySet<NamespaceType>): Arbitrary<Linux | undefined> {
  const ifIn = <T>(type: NamespaceType, arbitrary: Arbitrary<T>): Arbitrary<T | undefined> =>
    types.has(type) ? optional(arbitrary) : fc.constant(undefined);
  const map = types.has('user')
    ? fc.nat({ max: 1_000_000 }).map((hostID) => [{ containerID: 0, hostID, size: 1000 }])
    : fc.constant(undefined);
  return fc
    .record({
      namespaces: fc.tuple(...[...types].map(namespaceOf)),
      uidMappings: map,
      gidMappings: map,
      sysctl: ifIn('network', fc.dictionary(fc.constantFrom('net.core.somaxconn', 'net/ipv4/ip_forward'), fc.nat().map(String))),
      devices: optional(fc.uniqueArray(deviceNodes, { selector: ({ path: place }) => place, maxLength: 3 })),
      cgroupsPath: optional(absolute),
      resources: optional(resources),
      seccomp: optional(profiles),
      maskedPaths: ifIn('mount', fc.array(absolute, { maxLength: 3 })),
      readonlyPaths: ifIn('mount', fc.array(absolute, { maxLength: 3 })),
      rootfsPropagation: ifIn('mount', fc.constantFrom('shared', 'slave', 'private', 'unbindable')),
      personality: optional(fc.constantFrom({ domain: 'LINUX' }, { domain: 'LINUX32' })),
    })
    .map(withoutUndefined) as Arbitrary<Linux>;
}

// A user namespace is always made, so that its maps count.
function namespaceOf(type: NamespaceType): Arbitrary<Namespace> {
  const made = fc.constant({ type });
  return type === 'user'
    ? made
    : fc.oneof({ weight: 4, arbitrary: made }, { weight: 1, arbitrary: fc.constant({ type, path: `/proc/1/ns/${type}` }) });
}

const deviceNodes = fc.oneof(
  fc.record({
    type: fc.constantFrom('c', 'b', 'u'),
    path: absolute,
    major: fc.nat({ max: 4095 }),
    minor: fc.nat({ max: 0xf_ffff }),
    fileMode: fc.nat({ max: 0o777 }),
    uid: fc.nat({ max: 999 }),
    gid: fc.nat({ max: 999 }),
  }),
  fc.record({ type: fc.constant('p'), path: absolute }),
);

const throttles = fc.array(fc.record({ major: fc.nat({ max: 4095 }), minor: fc.nat({ max: 0xf_ffff }), rate: uint64 }), { maxLength: 2 });

const resources = fc
  .record({
    devices: optional(
      fc.array(
        fc.record({
          allow: fc.boolean(),
          access: fc.constantFrom('r', 'rw', 'rwm', 'm'),
          type: fc.constantFrom('a', 'b', 'c'),
          major: fc.integer({ min: -1, max: 4095 }),
          minor: fc.integer({ min: -1, max: 0xf_ffff }),
        }),
        { maxLength: 4 },
      ),
    ),
    memory: optional(fc.record({ limit, reservation: limit })),
    cpu: optional(
      fc.record({
        shares: uint64,
        quota: fc.bigInt({ min: 1000n, max: 10n ** 9n }),
        period: fc.bigInt({ min: 1000n, max: 10n ** 6n }),
        cpus: fc.constantFrom('', '0', '0-1'),
      }),
    ),
    pids: optional(fc.record({ limit })),
    blockIO: optional(
      fc.record({ weight: fc.integer({ min: 10, max: 1000 }), throttleReadBpsDevice: throttles, throttleWriteIOPSDevice: throttles }),
    ),
    hugepageLimits: optional(fc.constant([{ pageSize: '2MB', limit: 0n }])),
    rdma: optional(fc.dictionary(names, fc.record({ hcaHandles: uint32, hcaObjects: uint32 }), { maxKeys: 2 })),
    unified: optional(fc.dictionary(fc.constantFrom('memory.high', 'cpu.weight.nice', 'io.latency'), fc.nat().map(String))),
  })
  .map(withoutUndefined);

const seccompActions = fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_LOG', 'SCMP_ACT_TRAP');
const profiles = fc
  .record({
    defaultAction: seccompActions,
    architectures: optional(fc.subarray([...seccompArchitectures])),
    flags: optional(fc.subarray(['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'])),
    syscalls: fc.array(
      fc.record({
        names: fc.subarray(['read', 'write', 'openat', 'clone3', 'socket', 'mount', 'no_such_call'], { minLength: 1 }),
        action: seccompActions,
        args: fc.array(
          fc.record({ index: fc.nat({ max: 5 }), value: uint64, valueTwo: uint64, op: fc.constantFrom(...seccompOperators) }),
          { maxLength: 3 },
        ),
      }),
      { maxLength: 5 },
    ),
  })
  .map(withoutUndefined);

function capabilitySet(): Arbitrary<string[]> {
  return fc.subarray([...capabilityNames] as string[]);
}

function orderedLimit(type: string, one: bigint, other: bigint): unknown {
  return one < other ? { type, soft: one, hard: other } : { type, soft: other, hard: one };
}

function optional<T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

function withoutUndefined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}

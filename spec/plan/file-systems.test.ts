import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { type Config, type Mount, readConfig } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import type { FileSystemContext } from '../../runtime/plan/file-system-context.ts';
import { type FileSystemPlan, planFileSystems } from '../../runtime/plan/file-systems.ts';
import { mountOptions } from '../../runtime/plan/mount-options.ts';
import type { Op, OpName } from '../../runtime/plan/ops.ts';
import { configWith, privilegedContext } from '../support/plan-context.ts';

const fixtures = new URL('../fixtures/configs/', import.meta.url);
const unprivileged: FileSystemContext = { ...privilegedContext, privileged: false };

for (const file of readdirSync(fixtures).sort()) {
  test(`the file systems of ${file} are planned as in the snapshot`, (t) => {
    const config = readConfig(readFileSync(new URL(file, fixtures), 'utf8'));
    t.snapshot(format(planFileSystems(config, file === 'rootless.json' ? unprivileged : privilegedContext)));
  });
}

test('a container without a mount namespace is refused at /linux/namespaces', (t) => {
  for (const linux of [{ namespaces: [] }, { namespaces: [{ type: 'pid' as const }] }]) {
    const error = t.throws(() => planFileSystems(configWith({ linux }), privilegedContext), { instanceOf: KrunError });
    t.is(error?.code, 'E_NAMESPACE');
    t.is(error?.pointer, '/linux/namespaces');
  }
});

test('without privileges the child opens the trees itself, before the root is there', (t) => {
  const config = configWith({ mounts: [{ destination: '/a', source: '/a', options: ['bind'] }], linux: { maskedPaths: ['/a'] } });
  const child = planFileSystems(config, unprivileged);
  t.deepEqual(child.host, []);
  t.deepEqual(names(child.root).slice(0, 5), ['setPropagation', 'openTree', 'openNull', 'openRoot', 'moveMount']);
  const host = planFileSystems(config, privilegedContext);
  t.deepEqual(names(host.host), ['openTree']);
  t.deepEqual(names(host.root).slice(0, 4), ['setPropagation', 'openNull', 'openRoot', 'moveMount']);
});

test('devices come after all mounts, and read-only roots and tmpfs after everything', (t) => {
  const mounts: readonly Mount[] = [{ destination: '/dev', type: 'tmpfs', options: ['ro'] }];
  const { root, seal, pivot, after } = planFileSystems(
    configWith({ root: { path: 'r', readonly: true }, mounts, linux: { readonlyPaths: ['/x'] } }),
    privilegedContext,
  );
  t.true(names(root).lastIndexOf('mount') < names(root).indexOf('createDevice'));
  t.deepEqual(
    [...names(seal), ...names(pivot), ...names(after)],
    ['setPathReadonly', 'pivotRoot', 'setMountAttributes', 'setMountAttributes'],
  );
  t.is(after.at(-1)?.pointer, '/root/readonly');
});

const word = fc.oneof(fc.constantFrom(...mountOptions), fc.string({ maxLength: 12 }), fc.constantFrom('mode=755', 'gid=5', 'lowerdir=a:b'));
const path = fc
  .array(fc.oneof(fc.constantFrom('..', '.', '', 'proc', 'sys', 'dev', 'a'), fc.string({ maxLength: 5 })), { maxLength: 5 })
  .map((p) => p.join('/'));
const mapping = fc.record({ containerID: fc.nat(9), hostID: fc.nat(99), size: fc.integer({ min: 1, max: 9 }) });
const mount = fc.record(
  {
    destination: path,
    type: fc.constantFrom('proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'overlay', 'ext4', 'none', ''),
    source: path,
    options: fc.array(word, { maxLength: 6 }),
    uidMappings: fc.array(mapping, { maxLength: 2 }),
    gidMappings: fc.array(mapping, { maxLength: 2 }),
  },
  { requiredKeys: ['destination'] },
) as fc.Arbitrary<Mount>;
const device = fc.record({ type: fc.constantFrom('c', 'b', 'u', 'p'), path: path.map((p) => `/${p}`), major: fc.nat(9), minor: fc.nat(9) });
const namespaces = fc.uniqueArray(
  fc.record({ type: fc.constantFrom('user', 'network', 'cgroup', 'pid'), path: fc.constantFrom('/run/ns/x') }, { requiredKeys: ['type'] }),
  { selector: ({ type }) => type },
);
const anyConfig = fc
  .record({
    mounts: fc.array(mount, { maxLength: 5 }),
    linux: fc.record(
      {
        namespaces: namespaces.map((list) => [{ type: 'mount' }, ...list]),
        devices: fc.array(device, { maxLength: 3 }),
        maskedPaths: fc.array(path, { maxLength: 2 }),
        readonlyPaths: fc.array(path, { maxLength: 2 }),
        rootfsPropagation: fc.constantFrom('shared', 'rslave', 'private', 'runbindable'),
        uidMappings: fc.array(mapping, { maxLength: 2 }),
        gidMappings: fc.array(mapping, { maxLength: 2 }),
      },
      { requiredKeys: ['namespaces'] },
    ),
  })
  .map((parts) => configWith(parts as Partial<Config>));
// Most random lists of mounts hold one that is refused: these hold none.
const soundConfig = fc
  .array(
    fc.oneof(
      fc.record({
        destination: path.map((p) => `/x/${p.replaceAll('..', '')}`),
        type: fc.constantFrom('tmpfs', 'mqueue', 'sysfs', 'cgroup'),
      }),
      fc.record({
        destination: path.map((p) => `/x/${p.replaceAll('..', '')}`),
        source: fc.constantFrom('/s', 's'),
        options: fc.constantFrom(['bind'], ['rbind', 'ro']),
      }),
    ),
    { maxLength: 8 },
  )
  .map((mounts) => configWith({ mounts }));
const anyContext = fc.record({
  bundle: fc.constant('/bundle'),
  layers: fc.constantFrom(null, { lowers: ['/l'], writable: null, size: 0n }),
  privileged: fc.boolean(),
  inUserNamespace: fc.boolean(),
  cgroup2: fc.constantFrom(null, '/sys/fs/cgroup'),
  cgroup: fc.constantFrom(null, { mountpoint: '/sys/fs/cgroup', path: '/c' }),
});

test('no configuration makes anything but a plan or a KrunError with a pointer', (t) => {
  fc.assert(
    fc.property(anyConfig, anyContext, (config, context) => {
      const plan = attempt(config, context);
      return plan instanceof KrunError ? plan.pointer !== undefined : plan.pivot.length === 1;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('mounts keep the order of config.json', (t) => {
  fc.assert(
    fc.property(soundConfig, anyContext, (config, context) => {
      const plan = attempt(config, { ...context, cgroup: privilegedContext.cgroup, cgroup2: privilegedContext.cgroup2 });
      if (plan instanceof KrunError) throw plan;
      const indexes = plan.root
        .filter(({ op, pointer }) => ['mount', 'moveMount', 'remount'].includes(op) && pointer.startsWith('/mounts/'))
        .map(({ pointer }) => Number(pointer.split('/')[2]));
      return JSON.stringify(indexes) === JSON.stringify(config.mounts?.map((_, index) => index));
    }),
  );
  t.pass();
});

test('every slot is filled before it is used, and by one op only', (t) => {
  fc.assert(
    fc.property(anyConfig, anyContext, (config, context) => {
      const plan = attempt(config, context);
      if (plan instanceof KrunError) return true;
      const filled = new Set<string>();
      for (const op of inOrder(plan)) {
        for (const slot of usedSlots(op)) if (!filled.has(slot)) return false;
        const made = madeSlot(op);
        if (made !== null && filled.has(made)) return false;
        if (made !== null) filled.add(made);
      }
      return true;
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('once the root is open, nothing names a path of the host, and in-root paths are clean', (t) => {
  fc.assert(
    fc.property(anyConfig, anyContext, (config, context) => {
      const plan = attempt(config, context);
      if (plan instanceof KrunError) return true;
      const ops = [...plan.root, ...plan.seal, ...plan.pivot, ...plan.after];
      const opened = ops.findIndex(({ op }) => op === 'openRoot' || op === 'openOverlayRoot');
      return opened >= 0 && ops.slice(opened + 1).every(staysInRoot);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

function attempt(config: Config, context: FileSystemContext): FileSystemPlan | KrunError {
  try {
    return planFileSystems(config, context);
  } catch (error) {
    if (error instanceof KrunError) return error;
    throw error;
  }
}

function inOrder({ host, root, seal, pivot, after }: FileSystemPlan): readonly Op[] {
  return [...host, ...root, ...seal, ...pivot, ...after];
}

const opensSlot: Partial<Record<OpName, string>> = {
  openTree: 'tree',
  openDevice: 'tree',
  openNull: 'null',
  openRoot: 'root',
  openOverlayRoot: 'root',
  mount: 'mount',
  createUserNamespace: 'namespace',
  openNamespace: 'namespace',
};

function madeSlot(op: Op): string | null {
  const field = opensSlot[op.op];
  return field === undefined ? null : ((op as unknown as Record<string, string | null>)[field] ?? null);
}

function usedSlots(op: Op): readonly string[] {
  const made = opensSlot[op.op];
  return Object.entries(op).flatMap(([name, value]) =>
    ['root', 'tree', 'null', 'mount', 'userNamespace'].includes(name) && name !== made && typeof value === 'string' ? [value] : [],
  );
}

const inRoot: readonly OpName[] = ['mount', 'moveMount', 'remount', 'createDevice', 'createSymlink', 'setPathReadonly', 'maskPath'];

function staysInRoot(op: Op): boolean {
  if (op.op === 'setPropagation') return op.path === '' && op.mount !== null;
  if (op.op === 'setMountAttributes' || op.op === 'pivotRoot') return true;
  if (!inRoot.includes(op.op)) return false;
  const { root, destination, path: at = destination } = op as unknown as Record<string, string>;
  return root === 'root' && /^(\/(?!\.{1,2}(\/|$))[^/]+)+$/.test(at ?? '');
}

function names(ops: readonly Op[]): readonly OpName[] {
  return ops.map(({ op }) => op);
}

// The snapshots: a line an op, only with what is not empty.
function format(plan: FileSystemPlan): string {
  return Object.entries(plan)
    .map(([part, ops]: [string, readonly Op[]]) => [`${part}:`, ...ops.map(formatOp)].join('\n  '))
    .join('\n');
}

function formatOp({ op, pointer, ...fields }: Op): string {
  const shown = Object.entries(fields).filter(
    ([name, value]) => !(value === null || value === false || value === 0n || value === '' || name === 'root'),
  );
  const text = shown.map(([name, value]) => `${name}=${typeof value === 'bigint' ? `0x${value.toString(16)}` : JSON.stringify(value)}`);
  return [op, ...text, pointer === '' ? '' : `← ${pointer}`].filter((part) => part !== '').join(' ');
}

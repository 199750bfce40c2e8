import test, { type ExecutionContext } from 'ava';
import type { Config, Namespace, Resources } from '../../runtime/config/config.ts';
import type { ErrorCode } from '../../runtime/errors/codes.ts';
import { compilePlan } from '../../runtime/plan/compile.ts';
import type { CgroupFacts, HostFacts } from '../../runtime/plan/host-facts.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { enterScope, likelyScope, mayCloneInto, planScope, setProperties, stopScope } from '../../runtime/plan/scope.ts';
import { fixedFacts, requestFor } from '../support/compile-request.ts';
import { configWith, opsOf } from '../support/plan-context.ts';

const options = { id: 'c1', root: '/run/krun' };
const cgroup = { mountpoint: '/cg', path: '/system.slice/krun-c1.scope' };
const userRoot = fixedFacts.systemd.user.root;

type Tree = Readonly<Record<string, Partial<CgroupFacts>>>;

function factsWith(tree: Tree, more: Partial<HostFacts> & { readonly own?: string | null } = {}): HostFacts {
  const { own = '/user.slice/user-1000.slice/session-1.scope', ...others } = more;
  const look = (path: string): CgroupFacts => ({ exists: path in tree, controllers: [], enabled: [], isWritable: false, ...tree[path] });
  return { ...fixedFacts, cgroup2: { mountpoint: '/cg', own, look, ioWeightFiles: ['io.weight'], delegatable: [] }, ...others };
}

const root = factsWith({ '/': { controllers: ['memory', 'pids', 'cpu', 'cpuset', 'io'], isWritable: true } });
const user = factsWith(
  { '/': { controllers: ['memory', 'cpuset', 'pids'] }, [userRoot]: { controllers: ['memory', 'pids'] } },
  { euid: 1000 },
);
const withResources = (resources: Resources) => configWith({ linux: { resources } });

test('what undoes the scope comes first, then a process to make it around, then the scope, then the look whether it is in there', (t) => {
  const plan = planScope(configWith(), options, root);
  t.deepEqual(names(plan.create), ['onExit', 'startAnchor', 'callBus', 'adoptCgroup']);
  t.like(plan, { slot: 'cgroup', cgroup, unit: { unit: 'krun-c1.scope', user: false }, enter: [], warnings: [] });
  t.like(plan.create[2], { method: 'StartTransientUnit', unit: 'krun-c1.scope', anchor: true, awaitJob: true, orGone: false });
  t.deepEqual(plan.create[3], {
    op: 'adoptCgroup',
    pointer: '/linux/cgroupsPath',
    ...cgroup,
    owner: '/run/krun/c1',
    anchor: true,
    cgroup: 'cgroup',
  });
  t.deepEqual(names(plan.entered), ['endAnchor']);
});

test('memory.oom.group is the OOMPolicy of the scope, where systemd knows that', (t) => {
  const { create } = planScope(withResources({ unified: { 'memory.oom.group': '1' } }), options, root);
  const [first, second] = opsOf(create, 'callBus').map(({ messages }) => Buffer.from(messages).toString('latin1'));
  t.regex(first ?? '', /OOMPolicy/);
  t.notRegex(second ?? 'OOMPolicy', /OOMPolicy/);
});

test('only a scope that has become ours is stopped', (t) => {
  const { exit } = planScope(configWith(), options, root);
  t.deepEqual(names(exit), ['killCgroup', 'whenFilled', 'removeCgroup']);
  const [stop] = opsOf(exit, 'whenFilled');
  t.is(stop?.slot, 'cgroup');
  t.like(stop?.program[0], { op: 'callBus', method: 'StopUnit', awaitJob: true, orGone: true });
});

test('limits are told to systemd first, and then written exactly', (t) => {
  const { confine } = planScope(withResources({ memory: { limit: 64n << 20n }, cpu: { idle: 1 } }), options, root);
  t.deepEqual(names(confine), ['callBus', 'callBus', 'writeCgroupFile', 'writeCgroupFile', 'attachDeviceProgram']);
  t.like(confine[0], { method: 'SetUnitProperties', tolerated: [] });
  t.is(opsOf([confine[1] as Op], 'callBus')[0]?.tolerated.length, 2, 'CPUWeight=0 is for newer versions');
});

test('without limits systemd is told none', (t) => {
  t.deepEqual(names(planScope(configWith(), options, root).confine), ['attachDeviceProgram']);
});

test('in a compiled plan the scope is there before the mounts are opened, and the anchor goes once init is in it', (t) => {
  const scope = planScope(withResources({ pids: { limit: 5n } }), options, root);
  const plan = compilePlan({ ...requestFor(withResources({ pids: { limit: 5n } })), facts: root, cgroupManager: scope });
  const order = names(plan).filter((name) => ['startAnchor', 'adoptCgroup', 'clone', 'endAnchor', 'recordInit', 'callBus'].includes(name));
  t.deepEqual(order, ['startAnchor', 'callBus', 'adoptCgroup', 'clone', 'endAnchor', 'callBus', 'recordInit']);
  t.is(opsOf(plan, 'clone')[0]?.cgroup, 'cgroup');
});

test('the state knows the unit before it is there', (t) => {
  const seen: unknown[] = [];
  const request = requestFor(configWith());
  const files: typeof request.state.files = ({ cgroup: place, unit }) => {
    seen.push(place, unit);
    return [{ name: 'state.json', content: Uint8Array.of() }];
  };
  const manager = planScope(configWith(), options, root);
  const plan = names(compilePlan({ ...request, facts: root, cgroupManager: manager, state: { ...request.state, files } }));
  t.deepEqual(seen, [cgroup, { unit: 'krun-c1.scope', user: false }]);
  t.true(plan.indexOf('writeStateFile') < plan.indexOf('startAnchor'));
});

test("a user's process waits until the user's systemd has moved it, and is looked for there", (t) => {
  const scope = planScope(configWith(), options, user);
  t.is(scope.slot, null);
  t.like(scope.unit, { user: true });
  t.deepEqual(names(scope.enter), ['callBus', 'adoptCgroup', 'notifyChild']);
  t.like(scope.enter[0], { method: 'AttachProcessesToUnit', anchor: false, sockets: ['/run/user/1000/bus'] });
  t.like(scope.enter[1], { owner: '', anchor: false });
  const plan = compilePlan({ ...requestFor(ownUser([])), facts: user, cgroupManager: scope });
  const [clone] = opsOf(plan, 'clone');
  t.is(clone?.cgroup, null);
  t.like(clone?.program[0], { op: 'waitForParent', stage: 5 });
  const at = plan.indexOf(clone as Op);
  t.true(names(plan).indexOf('endAnchor') > at);
  t.deepEqual(names(plan.slice(at, at + 4)), ['clone', 'callBus', 'adoptCgroup', 'notifyChild']);
});

test('a stage waits before it joins or makes anything, and init is born where it is', (t) => {
  const config = ownUser([{ type: 'pid', path: '/proc/1/ns/pid' }]);
  const plan = compilePlan({ ...requestFor(config), facts: user, cgroupManager: planScope(config, options, user) });
  const [stage] = opsOf(plan, 'clone');
  t.is(stage?.program[0]?.op, 'waitForParent');
  t.like(stage?.program.at(-1), { op: 'clone', cgroup: null });
});

test('whoever may write to the cgroup above both may clone into the scope', (t) => {
  const { cgroup2 } = factsWith({ '/': {}, '/u': { isWritable: true }, '/u/s': { isWritable: true } }, { own: '/u/shell' });
  t.not(cgroup2, null);
  if (cgroup2 === null) return;
  t.true(mayCloneInto('/u/s/x.scope', cgroup2));
  t.true(mayCloneInto('/u/x.scope', { ...cgroup2, own: '/u' }));
  t.false(mayCloneInto('/v/x.scope', cgroup2));
  t.false(mayCloneInto('/u/x.scope', { ...cgroup2, own: null }));
});

test('a limit needs its controller on the host, and for a user from the system', (t) => {
  t.notThrows(() => planScope(withResources({ memory: { limit: 64n << 20n } }), options, user));
  const error = refusal(t, () => planScope(withResources({ cpu: { cpus: '0' } }), options, user), 'E_NO_CONTROLLER');
  t.like(error, { pointer: '/linux/resources/cpu/cpus' });
  t.regex(error?.hint ?? '', /user@\.service\.d\/delegate\.conf/);
  refusal(t, () => planScope(withResources({ blockIO: { weight: 10 } }), options, user), 'E_NO_CONTROLLER');
});

test('without systemd the refusal says so, and what to leave out', (t) => {
  const systemd = { ...fixedFacts.systemd, isRunning: false };
  const error = refusal(t, () => planScope(configWith(), options, { ...root, systemd }), 'E_NO_SYSTEMD');
  t.regex(error?.hint ?? '', /leave out --systemd-cgroup/);
  refusal(t, () => planScope(configWith(), options, { ...root, cgroup2: null }), 'E_NO_CGROUP2');
  refusal(t, () => planScope(configWith({ linux: { cgroupsPath: '/a' } }), options, root), 'E_BAD_CGROUP');
  refusal(t, () => planScope(withResources({ memory: { limit: 5n } }), options, root), 'E_BAD_LIMIT');
});

test('an annotation that may not be one is a warning, and in no message to systemd', (t) => {
  const annotations = { 'org.systemd.property.SuccessAction': "'reboot'", 'org.systemd.property.TimeoutStopSec': '5' };
  const plan = planScope(configWith({ annotations }), options, root);
  t.deepEqual(
    plan.warnings.map(({ pointer, severity }) => [pointer, severity]),
    [['/annotations/org.systemd.property.SuccessAction', 'warning']],
  );
  const [start] = opsOf(plan.create, 'callBus');
  const text = Buffer.from(start?.messages ?? []).toString('latin1');
  t.true(text.includes('TimeoutStopUSec'));
  t.false(text.includes('SuccessAction'));
});

test('a damaged container is looked for where its cgroupsPath says, and nowhere without systemd', (t) => {
  const { cgroup: place, stop = [] } = likelyScope('a.slice:b:c', 'c1', root);
  t.deepEqual(place, { mountpoint: '/cg', path: '/a.slice/b-c.scope' });
  t.like(stop[0], { method: 'StopUnit', unit: 'b-c.scope' });
  t.deepEqual(likelyScope('a.slice:b:c', 'c1', { ...root, systemd: { ...fixedFacts.systemd, isRunning: false } }), { cgroup: null });
});

test('later commands find the unit again, by the manager that has it', (t) => {
  const sockets = (ops: readonly Op[]) => opsOf(ops, 'callBus').map((op) => op.sockets[0]);
  for (const [isUsers, socket] of [
    [false, '/run/dbus/system_bus_socket'],
    [true, '/run/user/1000/bus'],
  ] as const) {
    const unit = { unit: 'x.scope', user: isUsers };
    t.deepEqual(sockets(stopScope(unit, root)), [socket]);
    t.deepEqual(sockets(setProperties(unit, [{ file: 'pids.max', value: '5' }], root)), [socket]);
    t.deepEqual(sockets(enterScope(unit, { cgroup, below: '/a' }, root)), [socket]);
  }
});

// What a user without privileges can have.
function ownUser(others: readonly Namespace[]): Config {
  const mappings = [{ containerID: 0, hostID: 1000, size: 1 }];
  return configWith({
    linux: { namespaces: [{ type: 'user' }, { type: 'mount' }, ...others], uidMappings: mappings, gidMappings: mappings },
  });
}

function names(ops: readonly Op[]): string[] {
  return ops.map(({ op }) => op);
}

function refusal(t: ExecutionContext, plan: () => unknown, code: ErrorCode) {
  return t.throws(plan, { code }) as (Error & { hint?: string; pointer?: string }) | undefined;
}

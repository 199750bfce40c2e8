import test from 'ava';
import type { Config } from '../../runtime/config/config.ts';
import { compileExec, type ExecRequest } from '../../runtime/plan/exec.ts';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { baseConfig } from '../support/bundle.ts';
import { all, withoutNamespaces, withProcess, withUserNamespace } from '../support/change-config.ts';
import { fixedFacts } from '../support/compile-request.ts';

const cgroup = { mountpoint: '/sys/fs/cgroup', path: '/krun-c1', owner: '/run/krun/c1' };

function planOf(change: (config: Config) => Config = (config) => config, parts: Partial<ExecRequest> = {}): Plan {
  const config = change(baseConfig());
  return compileExec({
    id: 'c1',
    config,
    process: { cwd: '/', args: ['true'], ...config.process },
    bundle: '/bundle',
    status: 'running',
    init: { pid: 77, startTime: 88n },
    namespaces: (config.linux?.namespaces ?? []).map(({ type }) => type),
    deniesSetgroups: false,
    cgroup,
    seccomp: null,
    facts: fixedFacts,
    preserveFds: 0,
    noNewKeyring: false,
    pidFile: null,
    detach: false,
    consoleSocket: null,
    pidfdSocket: null,
    ...parts,
  });
}

const names = (plan: Plan) => plan.map(({ op }) => op);
const cloneOf = (plan: Plan) => plan.find((op): op is OpOf<'clone'> => op.op === 'clone') ?? failed();

function failed(): never {
  throw new Error('there is no clone');
}

test('what init shares with the caller is not joined, what it does not is, whatever the configuration says', (t) => {
  const alone = cloneOf(planOf(undefined, { namespaces: ['network'] }));
  t.deepEqual(
    alone.program.filter(({ op }) => op === 'setns'),
    [{ op: 'setns', pointer: '', namespace: 'init', type: 0x4000_0000n }],
  );
  t.false(names(alone.program).includes('clone'), 'no pid namespace to enter');
  t.false(names(cloneOf(planOf(undefined, { namespaces: [] })).program).includes('setns'));
});

test('exec opens init and the cgroup, clones, waits', (t) => {
  const plan = planOf(withProcess({ rlimits: [] }));
  t.deepEqual(names(plan), ['openProcess', 'openCgroup', 'clone', 'waitForExecute', 'wait']);
  t.like(plan[0], { pid: 77, startTime: 88n });
  t.like(plan[1], { ...cgroup, orGone: false });
});

test('the first clone is born in the cgroup, hides, joins all namespaces at once and closes what is of the host', (t) => {
  const clone = cloneOf(planOf());
  t.is(clone.cgroup, 'cgroup');
  t.deepEqual(names(clone.program), ['setDumpable', 'setns', 'closeDescriptors', 'clone']);
  const join = clone.program[1] as OpOf<'setns'>;
  t.is(join.namespace, 'init');
  t.is(join.type, 0x2_0000n | 0x0200_0000n | 0x0400_0000n | 0x0800_0000n | 0x2000_0000n | 0x4000_0000n);
});

test('without a pid namespace there is no stage', (t) => {
  const { program } = cloneOf(planOf(withoutNamespaces('pid')));
  t.false(names(program).includes('clone'));
  t.is(program.at(-1)?.op, 'execute');
});

test("in a user namespace the process becomes the container's root before it does anything", (t) => {
  const inner = cloneOf(cloneOf(planOf(withUserNamespace())).program).program;
  t.deepEqual(names(inner).slice(0, 2), ['setUser', 'setDumpable']);
  t.like(inner[0], { uid: 0, gid: 0, setGroups: false });
});

test('what is the affair of init alone is not repeated: no mount, no host name, no sysctl, no new keyring', (t) => {
  const once: Op['op'][] = ['mount', 'pivotRoot', 'sethostname', 'setSysctl', 'joinSessionKeyring', 'createDirectory', 'openRoot'];
  const { program } = cloneOf(cloneOf(planOf()).program);
  t.deepEqual(
    names(program).filter((name) => once.includes(name)),
    [],
  );
  t.true(names(program).includes('enterSessionKeyring'));
  const shared = cloneOf(cloneOf(planOf(undefined, { noNewKeyring: true })).program).program;
  t.false(names(shared).includes('enterSessionKeyring'));
});

test('execCPUAffinity.initial holds before the clone, final in the process', (t) => {
  const plan = planOf(withProcess({ execCPUAffinity: { initial: '0-1', final: '3' } }));
  t.deepEqual(names(plan).slice(0, 4), ['openProcess', 'openCgroup', 'setAffinity', 'clone']);
  t.like(plan[2], { cpus: [0, 1], pointer: '/process/execCPUAffinity/initial' });
  const { program } = cloneOf(cloneOf(plan).program);
  t.like(
    program.find(({ op }) => op === 'setAffinity'),
    { cpus: [3] },
  );
});

test('--detach and --pid-file: the pid is written when the process runs, then the helper leaves', (t) => {
  const plan = planOf(withProcess({ rlimits: [] }), { detach: true, pidFile: '/p', cgroup: null });
  t.deepEqual(names(plan), ['openProcess', 'clone', 'waitForExecute', 'writePidFile', 'exit']);
  t.is(cloneOf(plan).cgroup, null);
});

test('limits in a user namespace are set by the helper while the process waits', (t) => {
  const plan = planOf(all(withUserNamespace(), withProcess({ rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1n, hard: 2n }] })));
  t.deepEqual(names(plan).slice(3), ['waitForChild', 'setrlimit', 'notifyChild', 'waitForExecute', 'wait']);
});

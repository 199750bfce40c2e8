import test from 'ava';
import { readConfig } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { compilePlan } from '../../runtime/plan/compile.ts';
import { planExecLabels, planLabels, requireSecurityModules } from '../../runtime/plan/labels.ts';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { fixedFacts, requestFor } from '../support/compile-request.ts';
import { type Changes, changedConfig } from '../support/config-changes.ts';

const both = { cwd: '/', args: ['true'], apparmorProfile: 'strict', selinuxLabel: 'u:r:t:s0' };
const writes = (proc: string | null): readonly Op[] => [
  {
    op: 'writeProcessLabel',
    pointer: '/process/apparmorProfile',
    proc,
    files: ['attr/apparmor/exec', 'attr/exec'],
    value: 'exec strict',
    label: 'strict',
  },
  { op: 'writeProcessLabel', pointer: '/process/selinuxLabel', proc, files: ['attr/exec'], value: 'u:r:t:s0', label: 'u:r:t:s0' },
];

test('without labels nothing is planned', (t) => {
  t.deepEqual(planLabels({}, { cwd: '/', args: ['true'] }), { host: [], init: [], write: [] });
});

test('labels are written through a procfs that init has mounted nowhere', (t) => {
  const open: Op = { op: 'openProc', pointer: '/process/apparmorProfile', proc: 'label-proc' };
  t.deepEqual(planLabels({}, both), { host: [], init: [open], write: writes('label-proc') });
});

test('init in a user namespace without a pid namespace of its own gets the procfs from the helper', (t) => {
  const { host, init } = planLabels({ linux: { namespaces: [{ type: 'user' }] } }, both);
  t.deepEqual([host.map(({ op }) => op), init], [['openProc'], []]);
});

test('a process that joins a container is labelled before it joins, through the /proc of the caller', (t) => {
  t.deepEqual(planExecLabels(both), writes(null));
});

test('labels come after pivotRoot and before the user changes', (t) => {
  const names = initOps(planOf({ '/process/apparmorProfile': 'strict' })).map(({ op }) => op);
  const [pivot, label, user] = [names.indexOf('pivotRoot'), names.indexOf('writeProcessLabel'), names.lastIndexOf('setUser')];
  t.true(names.indexOf('openProc') < pivot && pivot < label && label < user && label < names.indexOf('closeDescriptors'), names.join(' '));
});

for (const [pointer, changes] of [
  ['/process/apparmorProfile', { '/process/apparmorProfile': 'strict' }],
  ['/process/selinuxLabel', { '/process/selinuxLabel': 'u:r:t:s0' }],
  ['/linux/mountLabel', { '/linux/mountLabel': 'u:r:t:s0' }],
] as const) {
  test(`${pointer} is refused where its security module is not active`, (t) => {
    const error = t.throws(() => planOf(changes, { apparmor: false, selinux: false }), { instanceOf: KrunError });
    t.like(error, { code: 'E_NO_LSM', pointer });
    t.regex(error?.hint ?? '', /leave .* out, or boot a kernel with/);
  });
}

test('a host is asked for its security modules only when a label asks for one', (t) => {
  const facts = {
    get securityModules(): never {
      throw new Error('asked');
    },
  };
  t.notThrows(() => requireSecurityModules({}, { cwd: '/', args: ['true'] }, facts));
});

test('mountLabel is the context of new file systems, but not of the views of the kernel and of binds', (t) => {
  const mounts = [
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/own', type: 'tmpfs', source: 'tmpfs', options: ['rootcontext="a:b:c"'] },
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue' },
    { destination: '/bind', source: '/srv', options: ['bind'] },
  ];
  const plan = initOps(planOf({ '/linux/mountLabel': 'u:r:t:s0:c1,c2', '/mounts': mounts }));
  const options = plan.flatMap((op) => (op.op === 'mount' ? [[op.destination, ...op.options]] : []));
  t.deepEqual(options, [
    ['/tmp', 'context=u:r:t:s0:c1,c2'],
    ['/own', 'rootcontext=a:b:c'],
    ['/proc'],
    ['/dev/pts', 'newinstance', 'context=u:r:t:s0:c1,c2'],
    ['/dev/mqueue'],
  ]);
  t.deepEqual(
    plan.filter(({ op }) => op === 'setMountLabel'),
    [{ op: 'setMountLabel', pointer: '/mounts/4', mount: 'mounts/4', label: 'u:r:t:s0:c1,c2' }],
  );
});

function planOf(changes: Changes, securityModules = fixedFacts.securityModules): Plan {
  const config = readConfig(JSON.stringify(changedConfig({ '/process/terminal': false, ...changes })));
  return compilePlan(requestFor(config, { facts: { ...fixedFacts, securityModules } }));
}

// What init runs.
function initOps(plan: Plan): Plan {
  return plan.flatMap((op) => (op.op === 'clone' ? op.program : []));
}

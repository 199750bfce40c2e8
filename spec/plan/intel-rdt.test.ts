import test, { type ExecutionContext } from 'ava';
import type { Linux } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { planExecIntelRdt, planIntelRdt } from '../../runtime/plan/intel-rdt.ts';

const pointer = '/linux/intelRdt';
const groups: Readonly<Record<string, string>> = { '/r': 'L3:0=fff;1=fff\n', '/r/gold': '    L3:0=0ff;1=00f\n    MB:0= 50\n' };
const facts = { resctrl: { mountpoint: '/r', schemataOf: (path: string) => groups[path] ?? null } };
const plan = (intelRdt: NonNullable<Linux['intelRdt']>) => planIntelRdt({ linux: { intelRdt } }, 'c1', facts);
const make = (path: string, group: string) => [
  { op: 'onExit', pointer, program: [{ op: 'removeResctrlGroup', pointer, path, group }] },
  { op: 'createResctrlGroup', pointer, path, group },
];
const refused = (t: ExecutionContext, act: () => unknown, at: string) =>
  t.like(t.throws(act, { instanceOf: KrunError }), { code: 'E_RDT', pointer: `${pointer}${at}` });

test('without intelRdt nothing is planned, and resctrl is not asked for', (t) => {
  t.deepEqual(planIntelRdt({}, 'c1', { resctrl: null }), { create: [], join: [], groups: [] });
});

test('intelRdt is refused where resctrl is not mounted', (t) => {
  refused(t, () => planIntelRdt({ linux: { intelRdt: {} } }, 'c1', { resctrl: null }), '');
});

test('without closID the class is the container’s own and goes with it; L3 comes first, then MB, then schemata', (t) => {
  t.deepEqual(plan({ schemata: ['L2:0=1'], memBwSchema: 'MB:0=20', l3CacheSchema: 'L3:0=f' }), {
    create: [...make('/r/c1', 'resctrl'), { op: 'writeSchemata', pointer, group: 'resctrl', value: 'L3:0=f\nMB:0=20\nL2:0=1\n' }],
    join: [{ op: 'joinResctrlGroup', pointer, group: 'resctrl' }],
    groups: ['/r/c1'],
  } as ReturnType<typeof plan>);
});

test('an existing class is joined and stays, with no schema or with the one that it has', (t) => {
  for (const schema of [{}, { l3CacheSchema: 'L3:0=FF' }, { schemata: ['L3:0=ff;1=f', 'MB:0=50'] }])
    t.deepEqual(plan({ closID: 'gold', ...schema }), {
      create: [{ op: 'openResctrlGroup', pointer, path: '/r/gold', group: 'resctrl' }],
      join: [{ op: 'joinResctrlGroup', pointer, group: 'resctrl' }],
      groups: [],
    });
});

test('an existing class with another schema is refused', (t) => {
  refused(t, () => plan({ closID: 'gold', l3CacheSchema: 'L3:0=1' }), '/closID');
  refused(t, () => plan({ closID: 'gold', schemata: ['L2:0=1'] }), '/closID');
});

test('a missing class is made for its schema, and refused without one', (t) => {
  t.deepEqual(plan({ closID: 'new', l3CacheSchema: 'L3:0=1' }).create, [
    { op: 'createResctrlGroup', pointer, path: '/r/new', group: 'resctrl' },
    { op: 'writeSchemata', pointer, group: 'resctrl', value: 'L3:0=1\n' },
  ]);
  refused(t, () => plan({ closID: 'new' }), '/closID');
});

test('monitoring is a group of the container in its class, here the root class', (t) => {
  t.deepEqual(plan({ closID: '/', enableMonitoring: true }), {
    create: [{ op: 'openResctrlGroup', pointer, path: '/r', group: 'resctrl' }, ...make('/r/mon_groups/c1', 'resctrl-monitor')],
    join: [
      { op: 'joinResctrlGroup', pointer, group: 'resctrl' },
      { op: 'joinResctrlGroup', pointer, group: 'resctrl-monitor' },
    ],
    groups: ['/r/mon_groups/c1'],
  } as ReturnType<typeof plan>);
});

test('a process that joins a container joins its groups, and makes none', (t) => {
  const { create, join } = planExecIntelRdt({ linux: { intelRdt: { enableMonitoring: true } } }, 'c1', facts);
  t.deepEqual(
    create.map((op) => (op.op === 'openResctrlGroup' ? op.path : op.op)),
    ['/r/c1', '/r/c1/mon_groups/c1'],
  );
  t.is(join.length, 2);
});

// Ring 2: what goes before and after systemd's part, without systemd: the anchor, the look whether a process is where it should be.
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { createCgroup, makeCorner, removeCgroup, skipWithoutCgroups, until } from '../support/cgroups.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

const EXDEV = 18;
const CLONE_PARENT = 0x8000n;
const [start, end]: readonly Op[] = [
  { op: 'startAnchor', pointer: '' },
  { op: 'endAnchor', pointer: '' },
];
const waits: Op = { op: 'waitForParent', pointer: '', stage: 5 };
const lets: Op = { op: 'notifyChild', pointer: '', stage: 5 };
const read: Op = { op: 'readInput', pointer: '', limit: 10 };

test('a process that is in the cgroup is found there, and the cgroup notes its owner', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  const leaf = `${path}/a`;
  const plan = [createCgroup(leaf), removeCgroup(leaf), cloneInto('cgroup', [waits]), adopt(mountpoint, leaf, { owner: '/new' }), lets];
  const again: Op = { op: 'openCgroup', pointer: '', mountpoint, path: leaf, owner: '/new', orGone: false, cgroup: 'again' };
  t.like(await runPlan([...plan, again] as Plan), { status: 0, failure: null });
});

test('a process that is elsewhere is told with where it is', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  const here = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const { failure } = await runPlan([start as Op, adopt(mountpoint, path, { anchor: true })]);
  t.like(failure, { op: 'adoptCgroup', errno: EXDEV, path, detail: `found=${here}` });
  const missing = await runPlan([start as Op, adopt(mountpoint, `${path}/missing`, { anchor: true })]);
  t.like(missing.failure, { errno: EXDEV, detail: `found=${here}` });
});

hostAdvisory('nobody is taken to be in a scope because systemd says so (crun#331, runc#3780)', 'SCOPE_VERIFIED', async (helper, t) => {
  const { mountpoint, path } = makeCorner(t);
  const { failure } = await runPlan([start as Op, adopt(mountpoint, path, { anchor: true })], { binary: helper });
  return failure === null ? ['a process outside of the cgroup was taken to be inside'] : [];
});

test('an op that names the anchor where there is none fails', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { mountpoint, path } = makeCorner(t);
  t.like((await runPlan([adopt(mountpoint, path, { anchor: true })])).failure, { op: 'adoptCgroup', errno: 3 });
  t.like((await runPlan([start as Op, end as Op, adopt(mountpoint, path, { anchor: true })])).failure, { errno: 3 });
});

for (const [how, plan] of [
  ['when it is told to', [start, end, read]],
  ['when the plan is over', [start, read]],
] as const) {
  test(`the anchor holds nothing open and ends ${how}`, async (t) => {
    const held = Promise.withResolvers<void>();
    let anchor: number | null = null;
    const ended = runPlan(plan as Plan, {
      holdInput: held.promise,
      started: async (helper) => {
        if (how === 'when it is told to') return held.resolve();
        await until(() => childrenOf(helper).length === 1);
        anchor = childrenOf(helper)[0] ?? null;
        await until(() => readdirSync(`/proc/${anchor}/fd`).length === 0);
        held.resolve();
      },
    });
    t.like(await ended, { status: 0, failure: null });
    if (anchor !== null) t.throws(() => process.kill(anchor as number, 0), { code: 'ESRCH' });
  });
}

test('the anchor ends with a helper that is killed', async (t) => {
  const held = Promise.withResolvers<void>();
  let anchor = 0;
  const ended = runPlan([start as Op, read], {
    holdInput: held.promise,
    started: async (helper) => {
      await until(() => childrenOf(helper).length === 1);
      anchor = childrenOf(helper)[0] ?? 0;
      process.kill(helper, 'SIGKILL');
    },
  });
  t.is((await ended).signal, 'SIGKILL');
  await t.notThrowsAsync(until(() => isGone(anchor)));
  held.resolve();
});

test('a stage that waits for the helper makes init once it is let go', async (t) => {
  const init: Plan = [
    { op: 'findProgram', pointer: '', name: '/bin/busybox', searchPath: '' },
    { op: 'execute', pointer: '', arguments: ['busybox', 'sh', '-c', 'echo made; exit 7'], environment: [] },
  ];
  const stage: Op = { op: 'clone', pointer: '', flags: CLONE_PARENT, cgroup: null, program: init };
  const plan: Plan = [cloneInto(null, [waits, stage]), lets, { op: 'waitForExecute', pointer: '' }, { op: 'wait', pointer: '' }];
  t.like(await runPlan(plan), { status: 7, stdout: 'made\n', failure: null });
});

test('a stage that fails after it was let go says why', async (t) => {
  const stage: Op = { op: 'clone', pointer: '', flags: CLONE_PARENT, cgroup: null, program: [] };
  const fails: Op = { op: 'findProgram', pointer: '', name: '/nonexistent', searchPath: '' };
  t.like((await runPlan([cloneInto(null, [waits, fails, stage]), lets])).failure, { op: 'findProgram', path: '/nonexistent' });
});

function cloneInto(cgroup: string | null, program: Plan): Op {
  return { op: 'clone', pointer: '', flags: 0n, cgroup, program };
}

function adopt(mountpoint: string, path: string, others: Partial<OpOf<'adoptCgroup'>> = {}): Op {
  return { op: 'adoptCgroup', pointer: '', mountpoint, path, owner: '', anchor: false, cgroup: 'adopted', ...others };
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === parent)
    .map(Number);
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null; // it has ended meanwhile
  }
}

function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
}

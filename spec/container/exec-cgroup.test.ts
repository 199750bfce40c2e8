import test from 'ava';
import { execCgroup } from '../../runtime/container/exec-cgroup.ts';
import type { StoredState } from '../../runtime/container/stored-state.ts';
import { cgroupOfProcess } from '../../runtime/host/facts.ts';
import type { CgroupFacts } from '../../runtime/plan/host-facts.ts';
import { callerOf } from '../support/caller.ts';
import { fixedFacts } from '../support/compile-request.ts';

const caller = callerOf([], { pid: process.pid });

function place(path: string | null, found: Partial<CgroupFacts> = {}, cgroup: StoredState['cgroup'] = { mountpoint: '/m', path: '/own' }) {
  const look = () => ({ exists: true, controllers: [], enabled: [], isWritable: true, ...found });
  const cgroup2 = fixedFacts.cgroup2 === null ? null : { ...fixedFacts.cgroup2, look };
  const state = { id: 'c1', cgroup } as StoredState;
  return { root: '/r', state, init: { pid: process.pid, startTime: 0n }, path, facts: { ...fixedFacts, cgroup2 }, caller };
}

test("exec starts in the container's own cgroup, and only if it is still that container's", (t) => {
  t.deepEqual(execCgroup(place(null)), { mountpoint: '/m', path: '/own', owner: '/r/c1' });
});

test('exec starts where init is when the cgroup takes no processes or has gone', (t) => {
  const path = cgroupOfProcess(caller, process.pid);
  for (const found of [{ enabled: ['memory'] }, { exists: false }])
    t.deepEqual(execCgroup(place(null, found)), path === null ? null : { mountpoint: '/m', path, owner: '' });
});

test("--cgroup counts from the container's cgroup, with or without a slash before it", (t) => {
  for (const path of ['a/b', '/a/b', './a//b/']) t.deepEqual(execCgroup(place(path)), { mountpoint: '/m', path: '/own/a/b', owner: '' });
  t.is(execCgroup(place('/'))?.path, '/own');
});

test('--cgroup leads nowhere else: neither up, nor to a controller, nor past a line', (t) => {
  for (const path of ['..', '../own-evil', 'a/../../b', 'memory:a', 'a\nb', 'x'.repeat(256)])
    t.throws(() => execCgroup(place(path)), { code: 'E_BAD_CGROUP' }, path);
});

test('a container without a cgroup has none for exec', (t) => {
  t.is(execCgroup(place(null, {}, null)), null);
  t.throws(() => execCgroup(place('a', {}, null)), { code: 'E_BAD_CGROUP' });
});

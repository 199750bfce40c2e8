// Ring 2: the cgroup ops of the real helper, below a cgroup of the test's own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { whenStopped } from '../support/advisory.ts';
import {
  childrenOf,
  createCgroup,
  hostFacts,
  makeCorner,
  processesIn,
  removeCgroup,
  runInCgroup,
  skipWithoutCgroups,
  until,
} from '../support/cgroups.ts';
import { runPlan } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const held = () => Promise.withResolvers<void>();
const errno = { ENOENT: 2, EBUSY: 16, EINVAL: 22, ENOTEMPTY: 39, EOPNOTSUPP: 95 };

test('a process is born in its cgroup, and afterwards what was made for it is gone', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const leaf = `${path}/a/b/c`;
  const result = await runPlan([createCgroup(leaf), removeCgroup(leaf), ...runInCgroup('grep ^0:: /proc/self/cgroup; exit 3')]);
  t.is(result.failure, null);
  t.is(result.stdout, `0::${leaf}\n`);
  t.is(result.status, 3);
  t.deepEqual(childrenOf(directory), []);
});

test("a cgroup's mode is 0755 whatever the caller's umask", async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const wrapper = ['/bin/busybox', 'sh', '-c', 'umask 0777; exec "$0" "$@"'];
  const script = `stat -c %a ${directory}/a ${directory}/a/b`;
  const { stdout } = await runPlan([createCgroup(`${path}/a/b`), removeCgroup(`${path}/a/b`), ...runInCgroup(script)], { wrapper });
  t.is(stdout, '755\n755\n');
});

test('ancestors that krun did not make stay, and so does an empty cgroup that was there before, but not what is made in it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'theirs/leaf'), { recursive: true });
  const leaf = `${path}/theirs/leaf`;
  const script = `mkdir -p ${directory}/theirs/leaf/made/by/it`;
  t.is((await runPlan([createCgroup(leaf), removeCgroup(leaf), ...runInCgroup(script)])).failure, null);
  t.is((await runPlan([createCgroup(`${path}/theirs/ours`), removeCgroup(`${path}/theirs/ours`), ...runInCgroup(':')])).failure, null);
  t.deepEqual(childrenOf(join(directory, 'theirs')), ['leaf']);
  t.deepEqual(childrenOf(join(directory, 'theirs/leaf')), []);
  t.is((await runPlan([createCgroup(leaf, { owner: '/another' }), removeCgroup(leaf)])).failure, null, 'it can be used again');
});

test('an ancestor that vanishes while krun goes through it is made again', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const plan = [createCgroup(`${path}/a/b`), removeCgroup(`${path}/a/b`), ...runInCgroup('grep ^0:: /proc/self/cgroup')];
  const stops: string[][] = [];
  const started = whenStopped(async (_pid, stop) => {
    stops.push(childrenOf(directory));
    if (stop === 0) rmdirSync(join(directory, 'a'));
    if (stop === 2) rmdirSync(join(directory, 'a/b'));
  });
  const { failure, stdout } = await runPlan(plan, { env: { KRUN_TEST_STOP: 'cgroup-made' }, started });
  t.is(failure, null);
  t.is(stdout, `0::${path}/a/b\n`);
  t.deepEqual(stops, [['a'], ['a'], ['a'], ['a']], 'a, a again, b, b again');
  t.deepEqual(childrenOf(directory), []);
});

test('a leaf that is exchanged before krun owns it is not mistaken for its own', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const plan = [createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup('grep ^0:: /proc/self/cgroup')];
  const started = whenStopped(async (_pid, stop) => {
    if (stop > 0) return;
    rmdirSync(join(directory, 'c'));
    mkdirSync(join(directory, 'c'));
  });
  const { failure, stdout } = await runPlan(plan, { env: { KRUN_TEST_STOP: 'cgroup-marked' }, started });
  t.is(failure, null);
  t.is(stdout, `0::${path}/c\n`);
  t.deepEqual(childrenOf(directory), ['c'], 'the one that somebody else made stays');
});

test('a leaf that another krun locks first is left to it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const lock = { release: () => {} };
  const started = whenStopped(async () => {
    lock.release = await holdLock(join(directory, 'c'));
  });
  const { failure } = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`)], {
    env: { KRUN_TEST_STOP: 'cgroup-marked' },
    started,
  });
  lock.release();
  t.like(failure, { syscall: 'flock', detail: 'locked' });
  t.deepEqual(childrenOf(directory), ['c']);
});

test('a leaf that was made but cannot be owned is removed again', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { failure } = await runPlan([createCgroup(`${path}/a/c`, { owner: 'x'.repeat(70_000) }), removeCgroup(`${path}/a/c`)]);
  t.like(failure, { op: 'createCgroup', syscall: 'fsetxattr', errno: 7 });
  t.deepEqual(childrenOf(directory), []);
});

test("at the end another's cgroup of the same path is left alone", async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup('cat', null)], { holdInput: promise });
  await until(() => childrenOf(directory).length === 1);
  await until(() => readFileSync('/proc/locks', 'latin1').includes(`:${statSync(join(directory, 'c')).ino} `));
  rmdirSync(join(directory, 'c'));
  mkdirSync(join(directory, 'c'));
  execFileSync('/usr/bin/python3', ['-c', 'import os, sys; os.setxattr(sys.argv[1], "user.krun.made", b"1")', join(directory, 'c')]);
  resolve();
  t.is((await first).failure, null);
  t.deepEqual(childrenOf(directory), ['c']);
});

test('what a container makes below its cgroup goes with it, however deep', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const script = `cd ${directory}/c; for i in 1 2 3; do mkdir wide$i wide$i/x wide$i/y; done; i=0; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done`;
  const result = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup(script)]);
  t.is(result.failure, null);
  t.deepEqual(childrenOf(directory), []);
});

test('an ancestor that krun made stays as long as another container is below it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/pod/1`), removeCgroup(`${path}/pod/1`), ...runInCgroup('cat')], { holdInput: promise });
  await until(() => processesIn(join(directory, 'pod/1')).length === 1);
  await runPlan([createCgroup(`${path}/pod/2`), removeCgroup(`${path}/pod/2`), ...runInCgroup(':')]);
  t.deepEqual(childrenOf(join(directory, 'pod')), ['1']);
  resolve();
  await first;
  t.deepEqual(childrenOf(directory), []);
});

test('containers that come and go at once below one parent do not take it from each other', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const start = async (name: string) => {
    const leaf = `${path}/pod/deep/${name}`;
    return runPlan([createCgroup(leaf), removeCgroup(leaf), ...runInCgroup(':')]);
  };
  for (let round = 0; round < 5; round++) {
    const results = await Promise.all(Array.from({ length: 8 }, (_, index) => start(String(index))));
    for (const { failure, status } of results) t.deepEqual([failure, status], [null, 0]);
  }
  t.deepEqual(childrenOf(directory), []);
});

test('processes that outlive the first one, in other sessions and cgroups below, are killed', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const script = `trap '' TERM HUP; mkdir ${directory}/c/sub; setsid sleep 1000 & setsid sh -c 'echo $$ > ${directory}/c/sub/cgroup.procs; echo moved; exec sleep 1000' & cat`;
  const { promise, resolve } = held();
  const run = runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup(script)], { holdInput: promise });
  await until(() => processesIn(join(directory, 'c/sub')).length === 1 && processesIn(join(directory, 'c')).length === 2);
  const pids = [...processesIn(join(directory, 'c')), ...processesIn(join(directory, 'c/sub'))];
  resolve();
  t.is((await run).failure, null);
  t.deepEqual(childrenOf(directory), []);
  for (const pid of pids) t.false(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') S '));
});

test('a cgroup that holds processes is refused with their pids, and stays as it was', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup('cat')], { holdInput: promise });
  await until(() => processesIn(join(directory, 'c')).length === 1);
  mkdirSync(join(directory, 'theirs'));
  const pid = String(processesIn(join(directory, 'c'))[0]);
  writeFileSync(join(directory, 'theirs/cgroup.procs'), pid);
  const { failure } = await runPlan([createCgroup(`${path}/theirs`), removeCgroup(`${path}/theirs`)]);
  t.like(failure, { op: 'createCgroup', errno: errno.EBUSY, path: `${path}/theirs`, detail: `populated pids=${pid}` });
  t.deepEqual(processesIn(join(directory, 'theirs')), [Number(pid)]);
  writeFileSync(join(directory, 'c/cgroup.procs'), pid);
  resolve();
  await first;
});

test('a frozen cgroup, and one with children, are refused', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'frozen'));
  mkdirSync(join(directory, 'parent/child'), { recursive: true });
  writeFileSync(join(directory, 'frozen/cgroup.freeze'), '1');
  const frozen = await runPlan([createCgroup(`${path}/frozen`), removeCgroup(`${path}/frozen`)]);
  t.like(frozen.failure, { errno: errno.EBUSY, detail: 'frozen' });
  const parent = await runPlan([createCgroup(`${path}/parent`), removeCgroup(`${path}/parent`)]);
  t.like(parent.failure, { errno: errno.ENOTEMPTY, detail: 'child=child' });
  t.deepEqual(childrenOf(directory), ['frozen', 'parent']);
});

test('of two containers with the same cgroup the second is refused although the first has no process in it yet', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), ...runInCgroup('echo ready; cat', null)], {
    holdInput: promise,
  });
  await until(() => childrenOf(directory).length === 1);
  const { failure } = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`)]);
  t.like(failure, { syscall: 'flock', errno: errno.EBUSY, detail: 'locked' });
  t.deepEqual(childrenOf(directory), ['c']);
  resolve();
  await first;
  t.deepEqual(childrenOf(directory), []);
});

test('a cgroup is found again by its owner only', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory, mountpoint } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/c`, { owner: '/run/krun/first' }), ...runInCgroup('cat')], { holdInput: promise });
  await until(() => processesIn(join(directory, 'c')).length === 1);
  const open = (owner: string): Op => ({
    op: 'openCgroup',
    pointer: '',
    mountpoint,
    path: `${path}/c`,
    owner,
    orGone: true,
    cgroup: 'cgroup',
  });
  t.is((await runPlan([open('/run/krun/second'), removeCgroup(`${path}/c`)])).failure, null);
  t.is(processesIn(join(directory, 'c')).length, 1, "another's container lives");
  t.is((await runPlan([open('/run/krun/first'), removeCgroup(`${path}/c`)])).failure, null);
  t.deepEqual(childrenOf(directory), []);
  resolve();
  t.is((await first).status, 128 + 9);
});

test('a helper that dies between making its cgroup and owning it leaves one that its owner can remove', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory, mountpoint } = makeCorner(t);
  const plan = [createCgroup(`${path}/a/c`), removeCgroup(`${path}/a/c`)];
  const { signal } = await runPlan(plan, {
    env: { KRUN_TEST_STOP: 'cgroup-marked' },
    started: async (pid) => {
      await until(() => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T '));
      process.kill(pid, 'SIGKILL');
    },
  });
  t.is(signal, 'SIGKILL');
  t.deepEqual(childrenOf(join(directory, 'a')), ['c']);
  const open: Op = {
    op: 'openCgroup',
    pointer: '',
    mountpoint,
    path: `${path}/a/c`,
    owner: '/run/krun/spec',
    orGone: true,
    cgroup: 'cgroup',
  };
  t.is((await runPlan([open, removeCgroup(`${path}/a/c`)])).failure, null);
  t.deepEqual(childrenOf(directory), []);
});

test('a cgroup that has gone is no error to remove, and one that must be there is', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, mountpoint } = makeCorner(t);
  const open = (orGone: boolean): Op => ({
    op: 'openCgroup',
    pointer: '',
    mountpoint,
    path: `${path}/x/y`,
    owner: '',
    orGone,
    cgroup: 'cgroup',
  });
  t.is((await runPlan([open(true), removeCgroup(`${path}/x/y`)])).failure, null);
  t.like((await runPlan([open(false)])).failure, { op: 'openCgroup', errno: errno.ENOENT });
});

test('a cgroup that somebody else removes meanwhile is no error at the end', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const run = runPlan([createCgroup(`${path}/a/c`), removeCgroup(`${path}/a/c`), ...runInCgroup('cat', null)], { holdInput: promise });
  await until(() => childrenOf(join(directory, 'a')).length === 1);
  rmdirSync(join(directory, 'a/c'));
  resolve();
  t.is((await run).failure, null);
  t.deepEqual(childrenOf(directory), []);
});

test('a failure on the way removes what was made until then', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'theirs'));
  writeFileSync(join(directory, 'theirs/cgroup.max.depth'), '2');
  const leaf = `${path}/theirs/a/b/c`;
  const { failure } = await runPlan([createCgroup(leaf), removeCgroup(leaf)]);
  t.like(failure, { op: 'createCgroup', syscall: 'mkdirat', errno: 11, path: leaf });
  t.deepEqual(childrenOf(join(directory, 'theirs')), []);
});

test('what is not cgroup2 is refused as a mount point', async (t) => {
  const { failure } = await runPlan([createCgroup('/x', { mountpoint: '/proc' })]);
  t.like(failure, { syscall: 'fstatfs', path: '/proc', detail: 'not cgroup2' });
});

test('a required controller that is not there is reported with its name and where it is missing', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const { failure } = await runPlan([createCgroup(`${path}/a/c`, { required: ['nonsense'], wanted: ['memory'] })]);
  t.like(failure, { op: 'createCgroup', errno: errno.ENOENT, path: '/', detail: 'controller=nonsense file=cgroup.controllers' });
  t.deepEqual(childrenOf(directory), []);
});

test.serial('controllers are enabled in every ancestor but not in the leaf, and a limit takes effect', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const controller = hostFacts.cgroup2?.look('/').controllers.find((name) => name in limits);
  if (skipUnless(t, 'a controller on cgroup v2', controller !== undefined) || controller === undefined) return;
  restoreControllers(t, controller);
  const { path, directory } = makeCorner(t);
  const [file, value] = limits[controller] as [string, string];
  const leaf = `${path}/a/c`;
  const script = `cd ${directory}; cat a/c/${file}; cat cgroup.subtree_control a/cgroup.subtree_control; echo -; cat a/c/cgroup.subtree_control`;
  const limit: Op = { op: 'writeCgroupFile', pointer: '', cgroup: 'cgroup', file, value, optional: false };
  const { stdout, failure } = await runPlan([
    createCgroup(leaf, { required: [controller], wanted: ['nonsense'] }),
    removeCgroup(leaf),
    limit,
    ...runInCgroup(script),
  ]);
  t.is(failure, null);
  t.is(stdout, `${value}\n${controller}\n${controller}\n-\n`);
});

test.serial('an ancestor that holds processes is reported when a required controller cannot be enabled in it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const controller = hostFacts.cgroup2?.look('/').controllers.find((name) => name === 'hugetlb' || name === 'memory');
  if (skipUnless(t, 'a domain controller on cgroup v2', controller !== undefined) || controller === undefined) return;
  restoreControllers(t, controller);
  const { path, directory } = makeCorner(t);
  const { promise, resolve } = held();
  const first = runPlan([createCgroup(`${path}/busy`), removeCgroup(`${path}/busy`), ...runInCgroup('cat')], { holdInput: promise });
  await until(() => processesIn(join(directory, 'busy')).length === 1);
  const [pid] = processesIn(join(directory, 'busy'));
  const { failure } = await runPlan([createCgroup(`${path}/busy/c`, { required: [controller] })]);
  t.like(failure, {
    errno: errno.EBUSY,
    path: `${path}/busy`,
    detail: `controller=${controller} file=cgroup.subtree_control pids=${pid}`,
  });
  resolve();
  t.is((await first).failure, null);
});

test('below a threaded cgroup a container is threaded too, unless a limit needs a domain', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'threaded'));
  writeFileSync(join(directory, 'threaded/cgroup.type'), 'threaded');
  const leaf = `${path}/c`;
  const script = `echo $$ > ${directory}/cgroup.procs && echo $$ > ${directory}/c/cgroup.threads || exit; cat ${directory}/c/cgroup.type; setsid sleep 1000 >/dev/null 2>&1 &`;
  const { failure, stdout } = await runPlan([createCgroup(leaf), removeCgroup(leaf), ...runInCgroup(script, null)]);
  t.is(failure, null);
  t.is(stdout, 'threaded\n');
  t.deepEqual(childrenOf(directory), ['threaded']);
});

test('a value of several lines is written line by line, and an optional file may be missing', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const write = (file: string, value: string, optional: boolean): Op => ({
    op: 'writeCgroupFile',
    pointer: '/x',
    cgroup: 'cgroup',
    file,
    value,
    optional,
  });
  const plan = [
    createCgroup(`${path}/c`),
    removeCgroup(`${path}/c`),
    write('cgroup.max.depth', '3\n4\n', false),
    write('no.such', '1', true),
  ];
  const { stdout, failure } = await runPlan([...plan, ...runInCgroup(`cat ${directory}/c/cgroup.max.depth`)]);
  t.is(failure, null);
  t.is(stdout, '4\n');
  const missing = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), write('no.such', '1', false)]);
  t.like(missing.failure, { op: 'writeCgroupFile', pointer: '/x', errno: errno.ENOENT, path: 'no.such', detail: 'value=1' });
  const refused = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), write('cgroup.max.depth', '-5', false)]);
  t.like(refused.failure, { syscall: 'write', path: 'cgroup.max.depth', detail: 'value=-5' });
  t.deepEqual(childrenOf(directory), []);
});

const limits: Readonly<Record<string, [string, string]>> = {
  hugetlb: ['hugetlb.2MB.max', '4194304'],
  memory: ['memory.max', '104857600'],
  pids: ['pids.max', '77'],
};

// Node has no flock(2).
async function holdLock(directory: string): Promise<() => void> {
  const script =
    'import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()';
  const child = spawn('/usr/bin/python3', ['-c', script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return () => child.stdin.end();
}

// What the test enables in the root of the hierarchy, it disables again.
function restoreControllers(t: { teardown: (action: () => void) => void }, controller: string): void {
  const file = join(hostFacts.cgroup2?.mountpoint ?? '', 'cgroup.subtree_control');
  if (readFileSync(file, 'latin1').split(/\s+/).includes(controller)) return;
  t.teardown(() => execFileSync('/bin/busybox', ['sh', '-c', `echo -${controller} > ${file} || :`]));
}

test('a cgroup is given to a user with the files that are there, and nothing else', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const leaf = `${path}/c`;
  const files = ['cgroup.procs', 'cgroup.subtree_control', 'no.such.file'];
  const give: Op = { op: 'delegateCgroup', pointer: '', cgroup: 'cgroup', uid: 4711, files };
  const script = `stat -c %u:%g ${directory} ${directory}/c ${directory}/c/cgroup.procs ${directory}/c/cgroup.subtree_control ${directory}/c/cgroup.freeze`;
  const { stdout, failure } = await runPlan([createCgroup(leaf), removeCgroup(leaf), give, ...runInCgroup(script)]);
  t.is(failure, null);
  t.is(stdout, '0:0\n4711:0\n4711:0\n4711:0\n0:0\n');
  t.false(existsSync(`${directory}/c`));
});

test("a path that leads out of the cgroup is nobody's file to give", async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  const give: Op = { op: 'delegateCgroup', pointer: '', cgroup: 'cgroup', uid: 4711, files: ['../cgroup.procs'] };
  const { failure } = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), give]);
  t.is(failure?.errno, errno.EINVAL);
  t.is(statSync(`${directory}/cgroup.procs`).uid, 0);
});

// GHSA-5g49-rx9x-qfc6 and its kind: a cgroup path or file name that leads elsewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { containerCgroupPath } from '../../runtime/cgroup/path.ts';
import { resourceSettings } from '../../runtime/cgroup/resources.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { childrenOf, createCgroup, makeCorner, removeCgroup, runInCgroup, until } from '../support/cgroups.ts';
import { hostAdvisory } from '../support/host-advisory.ts';
import { runPlan } from '../support/run-plan.ts';

hostAdvisory('a path with .. makes and removes nothing beside', 'CGROUP_BENEATH', async (binary, t) => {
  const { path, directory } = makeCorner(t);
  const other = makeCorner(t);
  const leaf = `${path}/../${other.path.slice(1)}/x`;
  const script = `ls -d ${other.directory}/x 2>/dev/null`;
  const { stdout } = await runPlan([createCgroup(leaf), removeCgroup(leaf), ...runInCgroup(script)], { binary });
  return [stdout, ...childrenOf(directory), ...childrenOf(other.directory)].filter(Boolean);
});

hostAdvisory('a cgroup of another mount below the path is not entered', 'CGROUP_BENEATH', async (binary, t) => {
  const { path, directory, mountpoint } = makeCorner(t);
  mkdirSync(join(directory, 'bind'));
  const other = makeCorner(t);
  execFileSync('mount', ['--bind', other.directory, join(directory, 'bind')]);
  try {
    const open: Op = { op: 'openCgroup', pointer: '', mountpoint, path: `${path}/bind`, owner: '', orGone: false, cgroup: 'cgroup' };
    const { failure } = await runPlan([open], { binary });
    return failure?.errno === 18 ? [] : [`opened: ${JSON.stringify(failure)}`];
  } finally {
    execFileSync('umount', [join(directory, 'bind')]);
  }
});

hostAdvisory('a file name with a path in it writes nothing beside', 'CGROUP_FILE_NAMES', async (binary, t) => {
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'sibling'));
  mkdirSync(join(directory, 'c'));
  const file = 'inner/cgroup.max.depth';
  const write: Op = { op: 'writeCgroupFile', pointer: '', cgroup: 'cgroup', file, value: '7', optional: false };
  const open: Op = {
    op: 'openCgroup',
    pointer: '',
    mountpoint: directory.slice(0, -path.length),
    path: `${path}/c`,
    owner: '',
    orGone: false,
    cgroup: 'cgroup',
  };
  mkdirSync(join(directory, 'c/inner'));
  await runPlan([open, write], { binary });
  const depth = readFileSync(join(directory, 'c/inner/cgroup.max.depth'), 'latin1').trim();
  return depth === 'max' ? [] : [`cgroup.max.depth is ${depth}`];
});

hostAdvisory('a .. in a file name writes nothing beside', 'CGROUP_BENEATH', async (binary, t) => {
  const { path, directory, mountpoint } = makeCorner(t);
  mkdirSync(join(directory, 'sibling'));
  mkdirSync(join(directory, 'c'));
  const open: Op = { op: 'openCgroup', pointer: '', mountpoint, path: `${path}/c/../sibling`, owner: '', orGone: true, cgroup: 'cgroup' };
  const write: Op = { op: 'writeCgroupFile', pointer: '', cgroup: 'cgroup', file: 'cgroup.max.depth', value: '7', optional: false };
  await runPlan([open, write], { binary });
  const depth = readFileSync(join(directory, 'sibling/cgroup.max.depth'), 'latin1').trim();
  return depth === 'max' ? [] : [`cgroup.max.depth is ${depth}`];
});

test('a sibling whose name begins alike is another cgroup', async (t) => {
  if (process.geteuid?.() !== 0) return t.pass();
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'ctr-evil'));
  writeFileSync(join(directory, 'ctr-evil/cgroup.max.depth'), '5');
  const { failure } = await runPlan([createCgroup(`${path}/ctr`), removeCgroup(`${path}/ctr`), ...runInCgroup(':')]);
  t.is(failure, null);
  await until(() => !existsSync(join(directory, 'ctr')));
  t.deepEqual(childrenOf(directory), ['ctr-evil']);
});

const host = { ioWeightFiles: [] };

for (const cgroupsPath of [
  '/a/../../x',
  '../x',
  'a/..',
  '/',
  '',
  '/a//b',
  '/a/./b',
  '/a/',
  'system.slice:krun:c1',
  '/a\nb',
  `/${'x'.repeat(256)}`,
]) {
  test(`the path ${JSON.stringify(cgroupsPath).slice(0, 40)} is E_BAD_CGROUP`, (t) => {
    t.throws(() => containerCgroupPath({ cgroupsPath, id: 'c1', own: '/own', isWritable: () => true }), { code: 'E_BAD_CGROUP' });
  });
}

for (const file of ['../memory.max', 'a/memory.max', 'cgroup.procs', 'cgroup.kill', 'memory', '.memory.max', 'memory.max\n']) {
  test(`unified with ${JSON.stringify(file)} is E_BAD_CGROUP`, (t) => {
    t.throws(() => resourceSettings({ unified: { [file]: '1' } }, host), { code: 'E_BAD_CGROUP' });
  });
}

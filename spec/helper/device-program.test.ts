// Ring 2: device programs in the kernel, attached to a cgroup in which a process tries to open devices.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { compileDeviceProgram } from '../../runtime/cgroup/device-program.ts';
import type { DeviceRule } from '../../runtime/config/config.ts';
import type { Op } from '../../runtime/plan/ops.ts';
import { createCgroup, makeCorner, removeCgroup, runInCgroup, skipWithoutCgroups } from '../support/cgroups.ts';
import { type PlanOptions, runPlan } from '../support/run-plan.ts';

const denied = "can't open: Operation not permitted";

test('what the rules allow can be opened, and nothing else', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const rules: DeviceRule[] = [{ allow: true, type: 'c', major: 1, minor: 11, access: 'r' }];
  t.deepEqual(await tryOut(t, compileDeviceProgram(rules)), {
    'read c 1:3': 'ok',
    'write c 1:3': 'ok',
    'read c 1:11': 'ok',
    'write c 1:11': denied,
    'read c 1:1': denied,
    'read b 8:0': denied,
    'make c 1:1': 'ok',
  });
});

test('a node cannot be made where no rule allows it', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const results = await tryOut(t, compileDeviceProgram([{ allow: true, type: 'c', access: 'rw' }], []));
  t.like(results, { 'read c 1:3': 'ok', 'read b 8:0': denied });
  t.regex(results['make c 1:1'] ?? '', /Operation not permitted/);
});

test('a list of two thousand rules is accepted by the verifier and means the same', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const rules = Array.from(
    { length: 2000 },
    (_, index): DeviceRule => ({
      allow: index % 3 !== 0,
      type: index % 2 === 0 ? 'c' : 'b',
      major: 200 + (index % 50),
      minor: index,
      access: ['r', 'w', 'rw', 'rwm'][index % 4] as string,
    }),
  );
  const results = await tryOut(t, compileDeviceProgram([{ allow: true, type: 'c', major: 1, minor: 11, access: 'r' }, ...rules]));
  t.like(results, { 'read c 1:11': 'ok', 'write c 1:11': denied, 'read b 8:0': denied });
});

test('in a cgroup that is used again the program of the earlier container is gone', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path, directory } = makeCorner(t);
  mkdirSync(join(directory, 'theirs'));
  await tryOut(t, compileDeviceProgram([]), `${path}/theirs`);
  const results = await tryOut(t, compileDeviceProgram([{ allow: true, access: 'rwm' }]), `${path}/theirs`);
  t.is(results['write c 1:11'], 'ok');
});

test('a program that the kernel refuses is an error with what the verifier says', async (t) => {
  if (skipWithoutCgroups(t)) return;
  const { path } = makeCorner(t);
  const fallsOff = compileDeviceProgram([]).slice(0, -8);
  const { failure, stdout } = await runPlan([
    createCgroup(`${path}/c`),
    removeCgroup(`${path}/c`),
    attach(fallsOff),
    ...runInCgroup('echo ran'),
  ]);
  t.like(failure, { op: 'attachDeviceProgram', pointer: '/linux/resources/devices', syscall: 'bpf', errno: 22 });
  t.regex(failure?.detail ?? '', /command=BPF_PROG_LOAD instructions=\d+ log=[\s\S]*insn/);
  t.is(stdout, '');
  const odd = await runPlan([createCgroup(`${path}/c`), removeCgroup(`${path}/c`), attach(fallsOff.slice(0, 12))]);
  t.like(odd.failure, { errno: 22, detail: 'command=BPF_PROG_LOAD bytes=12' });
});

function attach(program: Uint8Array): Op {
  return { op: 'attachDeviceProgram', pointer: '/linux/resources/devices', cgroup: 'cgroup', program };
}

async function tryOut(t: ExecutionContext, program: Uint8Array, leaf?: string, options: PlanOptions = {}): Promise<Record<string, string>> {
  const nodes = mkdtempSync(join(tmpdir(), 'krun-test-nodes-'));
  t.teardown(() => rmSync(nodes, { recursive: true }));
  for (const [type, major, minor] of [
    ['c', '1', '3'],
    ['c', '1', '11'],
    ['c', '1', '1'],
    ['b', '8', '0'],
  ] as const)
    execFileSync('mknod', [join(nodes, `${type}${major}:${minor}`), type, major, minor]);
  const attempts = {
    'read c 1:3': 'true 2>&1 <c1:3',
    'write c 1:3': 'true 2>&1 >>c1:3',
    'read c 1:11': 'true 2>&1 <c1:11',
    'write c 1:11': 'true 2>&1 >>c1:11',
    'read c 1:1': 'true 2>&1 <c1:1',
    'read b 8:0': 'true 2>&1 <b8:0',
    'make c 1:1': 'mknod new c 1 1 2>&1',
  };
  const path = leaf ?? `${makeCorner(t).path}/c`;
  const script = Object.entries(attempts).map(([name, command]) => `echo "${name}=$( (${command}) 2>&1 && echo ok)"`);
  const plan = [createCgroup(path), removeCgroup(path), attach(program), ...runInCgroup(`cd ${nodes}; ${script.join('; ')}`)];
  const { stdout, failure } = await runPlan(plan, options);
  t.is(failure, null);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('='));
  return Object.fromEntries(
    lines.map(([name = '', result = '']) => [name, result.replace(/^.*can't (open|create) [^:]*:[^:]*: /, "can't open: ")]),
  );
}

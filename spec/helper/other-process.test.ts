// Ring 2: reaching the process of another container.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { Op } from '../../runtime/plan/ops.ts';
import { until } from '../support/cgroups.ts';
import { runPlan } from '../support/run-plan.ts';

const signal = (number: number, orGone = false): Op => ({ op: 'signalProcess', pointer: '', process: 'init', signal: number, orGone });
const waitFor = (milliseconds: number): Op => ({ op: 'waitForProcess', pointer: '', process: 'init', milliseconds });

test('a process is signalled and awaited by pidfd', async (t) => {
  const { pid, ended } = startSleeper(t);
  t.is((await runPlan([open(pid), signal(15), waitFor(10_000)])).failure, null);
  t.deepEqual(await ended, [null, 'SIGTERM']);
});

test('a process that does not end in time is ETIMEDOUT, and lives', async (t) => {
  const { pid } = startSleeper(t);
  t.like((await runPlan([open(pid), waitFor(20)])).failure, { op: 'waitForProcess', errno: 110 });
  process.kill(pid, 0);
  t.pass();
});

test('a name with blanks and parentheses does not hide the start time', async (t) => {
  const { pid, ended } = startSleeper(t, ') S 1 (x');
  await until(() => readFileSync(`/proc/${pid}/comm`, 'latin1') === ') S 1 (x\n');
  t.is((await runPlan([open(pid), signal(9)])).failure, null);
  t.deepEqual(await ended, [null, 'SIGKILL']);
});

test('a process that has ended is ESRCH, unless the signal may come late', async (t) => {
  const { pid, ended } = startSleeper(t);
  const startTime = startTimeOf(pid);
  process.kill(pid, 'SIGKILL');
  await ended;
  t.like((await runPlan([open(pid, startTime)])).failure, { op: 'openProcess', errno: 3 });
  const other = startSleeper(t);
  t.is((await runPlan([open(other.pid), signal(9), waitFor(10_000), signal(9, true)])).failure, null);
});

test('a pid that cannot be one is ESRCH', async (t) => {
  for (const pid of [0, 0x7fff_ffff, 0xffff_ffff]) t.like((await runPlan([open(pid, 1n)])).failure, { op: 'openProcess', errno: 3 });
});

function open(pid: number, startTime = startTimeOf(pid)): Op {
  return { op: 'openProcess', pointer: '', pid, startTime, process: 'init' };
}

function startTimeOf(pid: number): bigint {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '');
}

function startSleeper(t: ExecutionContext, name = 'sleep'): { readonly pid: number; readonly ended: Promise<unknown[]> } {
  const script = 'import ctypes, sys, signal; ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0); signal.pause()';
  const child: ChildProcess = name === 'sleep' ? spawn('/bin/busybox', ['sleep', '1000']) : spawn('/usr/bin/python3', ['-c', script, name]);
  t.teardown(() => child.kill('SIGKILL'));
  return { pid: child.pid ?? 0, ended: once(child, 'close') };
}

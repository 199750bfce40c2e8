import test from 'ava';
import type { Op, Plan } from '../../runtime/plan/ops.ts';
import { onlyChild } from '../support/only-child.ts';
import { runFrame, runPlan } from '../support/run-plan.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const write = (content: string, pointer = ''): Op => ({ op: 'write', pointer, descriptor: 1, content: text(content) });
const clone = (program: Plan): Op => ({ op: 'clone', pointer: '', flags: 0n, cgroup: null, program });
const waitForExecute: Op = { op: 'waitForExecute', pointer: '' };

test('ops run in order, and exit gives the status', async (t) => {
  const { status, stdout, failure } = await runPlan([write('a'), write('b'), { op: 'exit', pointer: '', status: 7 }, write('never')]);
  t.is(stdout, 'ab');
  t.is(status, 7);
  t.is(failure, null);
});

test('onExit programs run last pushed first, after the plan', async (t) => {
  const { stdout } = await runPlan([
    { op: 'onExit', pointer: '', program: [write('1')] },
    { op: 'onExit', pointer: '', program: [write('2'), write('3')] },
    write('plan '),
  ]);
  t.is(stdout, 'plan 231');
});

test('a failed op is reported with its name, number, pointer, syscall and errno, after the onExit programs', async (t) => {
  const { failure, stdout, status } = await runPlan([
    { op: 'onExit', pointer: '', program: [write('cleared')] },
    { op: 'createFile', pointer: '/mounts/3', path: '/nonexistent/x', mode: 0o600, content: text('') },
    write('never'),
  ]);
  t.is(stdout, 'cleared');
  t.is(status, 1);
  t.like(failure, { op: 'createFile', index: 2, pointer: '/mounts/3', syscall: 'open', errno: 2, path: '/nonexistent/x' });
});

test('a failure in the child is reported as that of its own op', async (t) => {
  const { failure } = await runPlan([
    clone([write('child'), { op: 'createFile', pointer: '/process', path: '/nonexistent/x', mode: 0o600, content: text('') }]),
    waitForExecute,
  ]);
  t.like(failure, { op: 'createFile', index: 2, pointer: '/process', syscall: 'open', errno: 2 });
});

test('a child that is killed in its set-up is reported with the signal', async (t) => {
  const { failure } = await runPlan([clone([{ op: 'waitForParent', pointer: '', stage: 9 }]), waitForExecute], {
    started: async (pid) => process.kill(await onlyChild(pid), 'SIGKILL'),
  });
  t.like(failure, { op: 'waitForExecute', detail: 'signal=9' });
});

test('a helper that is told to end in the set-up kills the child, clears up and leaves with 128 and the signal', async (t) => {
  let child = 0;
  const { status, stdout, failure } = await runPlan(
    [{ op: 'onExit', pointer: '', program: [write('cleared')] }, clone([{ op: 'waitForParent', pointer: '', stage: 9 }]), waitForExecute],
    {
      started: async (pid) => {
        child = await onlyChild(pid);
        process.kill(pid, 'SIGTERM');
      },
    },
  );
  t.is(status, 128 + 15);
  t.is(stdout, 'cleared');
  t.is(failure, null);
  t.throws(() => process.kill(child, 0), { code: 'ESRCH' });
});

test('helper and child wait for each other by stages', async (t) => {
  const { stdout, failure } = await runPlan([
    clone([
      write('1'),
      { op: 'notifyParent', pointer: '', stage: 1 },
      { op: 'waitForParent', pointer: '', stage: 2 },
      write('3'),
      { op: 'notifyParent', pointer: '', stage: 3 },
    ]),
    { op: 'waitForChild', pointer: '', stage: 1 },
    write('2'),
    { op: 'notifyChild', pointer: '', stage: 2 },
    { op: 'waitForChild', pointer: '', stage: 3 },
    write('4'),
  ]);
  t.is(stdout, '1234');
  t.is(failure, null);
});

test('a frame that is no plan is refused before anything is done', async (t) => {
  const { status, stderr } = await runFrame(new Uint8Array(32));
  t.is(status, 1);
  t.regex(stderr, /E_PROTO/);
});

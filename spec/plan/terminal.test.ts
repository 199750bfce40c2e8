import test from 'ava';
import type { Process } from '../../runtime/config/config.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { planPidfdSocket, planTerminal, type TerminalOptions } from '../../runtime/plan/terminal.ts';

const process: Process = { cwd: '/', args: ['sh'], terminal: true };
const options: TerminalOptions = { detach: false, consoleSocket: null, root: 'root' };
const names = (ops: readonly { readonly op: string }[]): string[] => ops.map(({ op }) => op);

test('in the foreground the terminal goes to the helper, which relays it', (t) => {
  const { host, open, control, helper, wait } = planTerminal(process, options);
  t.deepEqual(names(host), ['openSocketPair']);
  t.deepEqual(names(open), ['openTerminal', 'bindConsole', 'sendDescriptor', 'useTerminal']);
  t.like(open[0], { relayed: true, height: 0, width: 0 });
  t.deepEqual(names(control), ['setControllingTerminal']);
  t.deepEqual(names(helper), ['receiveDescriptor']);
  t.is(wait.op, 'relay');
});

test('detached it goes to the console socket, of consoleSize, and the helper keeps nothing', (t) => {
  const sized = { ...process, consoleSize: { height: 12, width: 34 } };
  const { host, open, helper } = planTerminal(sized, { ...options, detach: true, consoleSocket: '/run/s' });
  t.like(host[0], { op: 'connectSocket', path: '/run/s' });
  t.like(open[0], { relayed: false, height: 12, width: 34 });
  t.deepEqual(helper, []);
});

test('exec, which is in the root already, leaves /dev/console to init', (t) => {
  const { open } = planTerminal(process, { ...options, root: null });
  t.deepEqual(names(open), ['openTerminal', 'sendDescriptor', 'useTerminal']);
});

test('without a terminal nothing is done but to wait, and consoleSize is ignored', (t) => {
  const without = { ...process, terminal: false, consoleSize: { height: 70_000, width: 1 } };
  const { wait, ...others } = planTerminal(without, options);
  t.deepEqual(Object.values(others).flat(), []);
  t.is(wait.op, 'wait');
});

for (const [title, terminal, changes] of [
  ['a terminal, detached, without a socket', true, { detach: true }],
  ['a socket without a terminal', false, { detach: true, consoleSocket: '/s' }],
  ['a socket in the foreground', true, { consoleSocket: '/s' }],
] as const) {
  test(`${title} is refused by E_TERMINAL`, (t) => {
    const error = t.throws(() => planTerminal({ ...process, terminal }, { ...options, ...changes }), { instanceOf: KrunError });
    t.is(error.code, 'E_TERMINAL');
  });
}

test('a size that the kernel would cut to 16 bits is refused at its place', (t) => {
  const sized = { ...process, consoleSize: { height: 24, width: 65_536 } };
  const error = t.throws(() => planTerminal(sized, options), { instanceOf: KrunError });
  t.like(error, { code: 'E_CONFIG', pointer: '/process/consoleSize/width' });
});

test('a pidfd is sent by the name that tells init from exec', (t) => {
  t.deepEqual(planPidfdSocket(null, 'setns'), { host: [], helper: [] });
  t.like(planPidfdSocket('/s', 'setns').helper[1], { op: 'sendDescriptor', name: 'setns' });
});

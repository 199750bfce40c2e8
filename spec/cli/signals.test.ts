import { constants } from 'node:os';
import test from 'ava';
import { signalName, signalNumber } from '../../runtime/cli/signals.ts';

test('a signal is a number or a name, in any case, with or without SIG', (t) => {
  for (const signal of ['9', 'KILL', 'SIGKILL', 'kill', 'sigkill', 'SigKill']) t.is(signalNumber(signal), 9, signal);
});

for (const [name, number] of Object.entries(constants.signals)) {
  test(`${name} is ${number}`, (t) => {
    t.is(signalNumber(name), number);
    t.is(signalNumber(String(number)), number);
    t.is(signalNumber(signalName(number)), number);
  });
}

test('real-time signals count from 34 to 64', (t) => {
  t.is(signalNumber('SIGRTMIN'), 34);
  t.is(signalNumber('RTMIN+3'), 37);
  t.is(signalNumber('SIGRTMAX-1'), 63);
  t.throws(() => signalNumber('RTMAX+1'), { code: 'E_USAGE' });
});

test('what is no signal is refused', (t) => {
  for (const signal of ['', '65', '-9', 'SIG', 'NINE', '9.0', ' 9']) t.throws(() => signalNumber(signal), { code: 'E_USAGE' }, signal);
});

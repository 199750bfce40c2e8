import test from 'ava';
import { parseBytes, parseDuration, parseInteger } from '../../runtime/cli/quantities.ts';

const usage = { name: 'KrunError', code: 'E_USAGE' };

test('a duration is written as in Go', (t) => {
  const durations = { '5s': 5000, '500ms': 500, '1m30s': 90_000, '1.5h': 5_400_000, '.5s': 500, '1us': 1, '2h45m': 9_900_000 };
  for (const [text, milliseconds] of Object.entries(durations)) t.is(parseDuration(text, 'interval'), milliseconds, text);
  for (const text of ['', '5', 's', '0s', '-1s', '5x', '5 s', '1h-3m', '1000h'])
    t.throws(() => parseDuration(text, 'interval'), usage, text);
});

test('bytes have units of 1024', (t) => {
  const sizes = {
    '0': 0n,
    '512': 512n,
    '1k': 1024n,
    '512m': 536_870_912n,
    '1.5G': 1_610_612_736n,
    '2KiB': 2048n,
    '3mb': 3_145_728n,
    '-1': -1n,
  };
  for (const [text, bytes] of Object.entries(sizes)) t.is(parseBytes(text, 'memory'), bytes, text);
  for (const text of ['', '-2', 'm', '1x', '1.5.5', '0x10', '1e3']) t.throws(() => parseBytes(text, 'memory'), usage, text);
});

test('a whole number has any size', (t) => {
  t.is(parseInteger('-1', 'cpu-quota'), -1n);
  t.is(parseInteger('18446744073709551615', 'cpu-share'), 2n ** 64n - 1n);
  for (const text of ['', '1.5', 'x', '0x1', '--1']) t.throws(() => parseInteger(text, 'cpu-quota'), usage, text);
});

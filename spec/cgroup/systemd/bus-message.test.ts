import test from 'ava';
import fc, { type Arbitrary } from 'fast-check';
import { type BusValue, encodeCall, type MethodCall, pidPlace, splitSignature } from '../../../runtime/cgroup/systemd/bus-message.ts';
import { decodeCalls, hasGlib, shown } from '../../support/dbus.ts';
import { skipUnless } from '../../support/skip.ts';

const address = { destination: 'org.example', path: '/org/example', interface: 'org.example.Some' } as const;

test('GLib understands any message as it was meant', (t) => {
  if (skipUnless(t, 'python3-gi', hasGlib())) return;
  const calls = fc.sample(anyCall, { numRuns: 400, seed: 17 });
  const decoded = decodeCalls(calls.map((call, index) => encodeCall(call, index + 1).bytes));
  for (const [index, call] of calls.entries()) {
    const { signature, body, ...others } = decoded[index]?.[0] ?? { signature: '', body: [] };
    t.deepEqual({ signature, body }, { signature: call.signature, body: call.body.map(shown) });
    t.deepEqual(others, { serial: index + 1, member: call.member, ...address });
  }
});

test('the place of a pid is where its four bytes are, in whatever depth', (t) => {
  const call: MethodCall = { ...address, member: 'M', signature: 'sa(sv)', body: ['x', [['PIDs', { type: 'au', value: [pidPlace] }]]] };
  const { bytes, pidAt } = encodeCall(call, 1);
  const other = encodeCall({ ...call, body: ['x', [['PIDs', { type: 'au', value: [0x01020304] }]]] }, 1).bytes;
  const patched = Uint8Array.from(bytes);
  new DataView(patched.buffer).setUint32(pidAt, 0x01020304, true);
  t.deepEqual(patched, other);
  t.is(encodeCall({ ...call, signature: '', body: [] }, 1).pidAt, 0);
});

test('a signature is split into its single complete types', (t) => {
  t.deepEqual(splitSignature('ssa(sv)a(sa(sv))u'), ['s', 's', 'a(sv)', 'a(sa(sv))', 'u']);
  t.deepEqual(splitSignature('aay(s(st))'), ['aay', '(s(st))']);
  t.throws(() => splitSignature('(s'), { instanceOf: TypeError });
});

interface Typed {
  readonly type: string;
  readonly value: BusValue;
}

const simple: readonly Arbitrary<Typed>[] = [
  typed('y', fc.integer({ min: 0, max: 255 })),
  typed('b', fc.boolean()),
  typed('u', fc.integer({ min: 0, max: 0xffff_ffff })),
  typed('i', fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })),
  typed('t', fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })),
  typed(
    's',
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
  ),
  typed('o', fc.constant('/org/x')),
  typed('g', fc.constant('a(sv)')),
];

const { value: anyValue } = fc.letrec<{ value: Typed }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    ...simple,
    tie('value').map((inner): Typed => ({ type: 'v', value: inner })),
    fc.array(tie('value'), { minLength: 1, maxLength: 3 }).map(
      (inner): Typed => ({
        type: `(${inner.map(({ type }) => type).join('')})`,
        value: inner.map(({ value }) => value),
      }),
    ),
    fc.tuple(tie('value'), fc.nat(3)).map(([{ type, value }, count]): Typed => ({ type: `a${type}`, value: Array(count).fill(value) })),
  ),
}));

const anyCall: Arbitrary<MethodCall> = fc.array(anyValue, { maxLength: 4 }).map((body) => ({
  ...address,
  member: 'Method',
  signature: body.map(({ type }) => type).join(''),
  body: body.map(({ value }) => value),
}));

function typed(type: string, values: Arbitrary<BusValue>): Arbitrary<Typed> {
  return values.map((value) => ({ type, value }));
}

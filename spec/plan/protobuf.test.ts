import test from 'ava';
import { encodeMessage } from '../../runtime/plan/protobuf.ts';

// The examples of https://protobuf.dev/programming-guides/encoding.
test('a number is a varint, least significant seven bits first', (t) => {
  t.deepEqual([...encodeMessage([[1, 150]])], [0x08, 0x96, 0x01]);
  t.deepEqual([...encodeMessage([[1, 0]])], [0x08, 0x00]);
  t.deepEqual([...encodeMessage([[2, 4_294_967_295]])], [0x10, 0xff, 0xff, 0xff, 0xff, 0x0f]);
});

test('texts and messages have their length before them', (t) => {
  t.deepEqual([...encodeMessage([[2, 'testing']])], [0x12, 0x07, ...new TextEncoder().encode('testing')]);
  t.deepEqual([...encodeMessage([[3, encodeMessage([[1, 150]])]])], [0x1a, 0x03, 0x08, 0x96, 0x01]);
  t.deepEqual([...encodeMessage([[63, '']])], [0xfa, 0x03, 0x00]);
});

test('what is false or absent is left out', (t) => {
  t.deepEqual(
    [
      ...encodeMessage([
        [1, false],
        [2, null],
        [3, undefined],
        [4, true],
      ]),
    ],
    [0x20, 0x01],
  );
});

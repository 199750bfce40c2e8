import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import {
  decodeHeader,
  encodeFrame,
  frameMagic,
  headerLength,
  maximumLength,
  opTableDigest,
  protocolVersion,
} from '../../runtime/channel/frame.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { opTable, type Plan } from '../../runtime/plan/ops.ts';
import { answer } from '../../runtime/supervisor/answer.ts';
import { captureRequest } from '../support/capture-request.ts';
import { encodeRequest } from '../support/encode-request.ts';
import { runFrame, runPlan } from '../support/run-plan.ts';

const exit: Plan = [{ op: 'exit', pointer: '', status: 5 }];

test('the request of the real helper is, byte for byte, what its layout says', async (t) => {
  const argv = ['krun', 'run', '', 'bündle', 'x'.repeat(5000)];
  const env = { A: '1', __proto__x: 'y', EMPTY: '', 'Ü ß': 'ä\n' };
  const { frame, pid } = await captureRequest(argv, env);
  const body = frame.subarray(headerLength);
  t.is(decodeHeader(frame, 'request'), body.length);
  const environment = [...Object.entries(env), ['KRUN_CHANNEL', '3']].map(([name, value]) => `${name}=${value}`);
  const fields = {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    pid,
    umask: process.umask(),
    terminals: 0,
    cwd: process.cwd(),
  };
  t.deepEqual(Buffer.from(body), Buffer.from(encodeRequest({ ...fields, argv, environment })));
});

test('of the failure of an op the real helper reports, byte for byte, what its layout says', async (t) => {
  const plan: Plan = [{ op: 'createFile', pointer: '/mounts/3', path: '/nonexistent/ü', mode: 0o600, content: new Uint8Array() }];
  const { failure } = await runPlan(plan);
  t.deepEqual(failure, { op: 'createFile', index: 0, pointer: '/mounts/3', syscall: 'open', errno: 2, path: '/nonexistent/ü', detail: '' });
});

test('a frame of another build, version, type or size is E_PROTO to the supervisor', (t) => {
  const frame = (change: (view: DataView) => void): Uint8Array => {
    const bytes = encodeFrame('request', new Uint8Array(8));
    change(new DataView(bytes.buffer));
    return bytes;
  };
  t.is(
    decodeHeader(
      frame(() => {}),
      'request',
    ),
    8,
  );
  const wrong: Readonly<Record<string, (view: DataView) => void>> = {
    'does not begin as one of krun': (view) => view.setUint32(0, frameMagic + 1, true),
    'protocol version 2 is not 1': (view) => view.setUint16(4, protocolVersion + 1, true),
    'is not a request': (view) => view.setUint16(6, 2, true),
    'different builds': (view) => view.setUint32(12, opTableDigest() ^ 1, true),
    'is more than': (view) => view.setUint32(8, maximumLength.request + 1, true),
  };
  for (const [words, change] of Object.entries(wrong)) {
    const error = t.throws(() => decodeHeader(frame(change), 'request'), { instanceOf: KrunError }) as KrunError | undefined;
    t.is(error?.code, 'E_PROTO');
    t.true(error?.message.includes(words), error?.message);
  }
});

test('a frame of another build, version, type or size is E_PROTO to the helper, which does nothing', async (t) => {
  const changes: Readonly<Record<string, (view: DataView) => void>> = {
    magic: (view) => view.setUint32(0, 0, true),
    version: (view) => view.setUint16(4, 99, true),
    type: (view) => view.setUint16(6, 1, true),
    digest: (view) => view.setUint32(12, opTableDigest() ^ 1, true),
    length: (view) => view.setUint32(8, maximumLength.plan + 1, true),
    longest: (view) => view.setUint32(8, 0xffff_ffff, true),
  };
  for (const [name, change] of Object.entries(changes)) {
    const frame = encodePlan(exit);
    change(new DataView(frame.buffer, frame.byteOffset));
    const { status, stderr } = await runFrame(frame);
    t.is(status, 1, name);
    t.regex(stderr, /^krun: E_PROTO: the supervisor (is of another build.*npm run build|sent a plan that is too large)/, name);
  }
});

test('a plan that is cut off at any word, or has more behind it, is E_PROTO to the helper', async (t) => {
  const sound = encodePlan([{ op: 'write', pointer: '/x', descriptor: 1, content: Uint8Array.of(1, 2, 3) }, ...exit]).subarray(
    headerLength,
  );
  for (let length = 0; length < sound.length; length += 4) await refusedByHelper(t, sound.subarray(0, length));
  await refusedByHelper(t, Uint8Array.from([...sound, 0, 0, 0, 0]));
});

test('an unknown op, a boolean of 2, a slot that is none, and a NUL in a string are E_PROTO to the helper', async (t) => {
  const u32s = (...words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);
  const number = (name: string) => Object.keys(opTable).indexOf(name);
  await refusedByHelper(t, u32s(0, 1, 1, Object.keys(opTable).length, 0, 0));
  await refusedByHelper(t, u32s(0, 1, 1, number('setDumpable'), 0, 0, 2));
  await refusedByHelper(t, u32s(1, 1, 1, number('killCgroup'), 0, 0, 1));
  await refusedByHelper(t, u32s(0, 1, 1, number('sethostname'), 0, 0, 3, 0x00610061));
  await refusedByHelper(t, u32s(0, 1, 1, number('sethostname'), 0, 0, 0xffff_ffff, 0));
  await refusedByHelper(t, u32s(0, 2, 2, number('setsid'), 0, 0));
  await refusedByHelper(t, u32s(0, 0xffff_ffff, 1, number('setsid'), 0, 0));
});

for (const length of [0, 1, 3, 65_535, 65_536, 1024 * 1024]) {
  test(`${length} bytes in a field reach the helper whole`, async (t) => {
    const content = new Uint8Array(length).fill(0x79);
    const { stdout, status, stderr } = await runFrame(encodePlan([{ op: 'write', pointer: '', descriptor: 1, content }, ...exit]));
    t.deepEqual([status, stdout.length, stderr], [5, length, '']);
  });
}

test('a plan that is too large, or has a NUL in a string, is never sent', (t) => {
  const large = new Uint8Array(maximumLength.plan);
  const plan = (content: Uint8Array): Plan => [{ op: 'write', pointer: '', descriptor: 1, content }];
  t.is((t.throws(() => encodePlan(plan(large)), { instanceOf: KrunError }) as KrunError | undefined)?.code, 'E_PROTO');
  const nul = t.throws(() => encodePlan([{ op: 'sethostname', pointer: '/hostname', name: 'a\0b' }]), { instanceOf: KrunError });
  t.is((nul as KrunError | undefined)?.code, 'E_CONFIG');
});

test('64-bit numbers beyond 2^53 and negative ones arrive as they are', async (t) => {
  const values = [2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
  for (const value of values) {
    const body = encodePlan([{ op: 'unshare', pointer: '', flags: value }]);
    t.is(new DataView(body.buffer, body.byteOffset + body.length - 8, 8).getBigUint64(0, true), value);
  }
  const negative = encodePlan([{ op: 'setOomScoreAdjust', pointer: '', value: -1000 }]);
  t.is(new DataView(negative.buffer, negative.byteOffset + negative.length - 4, 4).getInt32(0, true), -1000);
});

test('whatever a supervisor is asked, its answer is a plan: of a broken request one that says E_PROTO and exits with 1', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (body) => {
      const frame = await answer(body);
      t.is(decodeHeader(frame, 'plan'), frame.length - headerLength);
      t.regex(Buffer.from(frame).toString('latin1'), /E_PROTO|E_USAGE/);
    }),
    { numRuns: 200 },
  );
  const { status, stderr } = await runFrame(await answer(Uint8Array.of(1, 2, 3)));
  t.is(status, 1);
  t.regex(stderr, /^krun: the frame is cut short\n {2}code: E_PROTO\n$/);
});

async function refusedByHelper(t: ExecutionContext, body: Uint8Array): Promise<void> {
  const { status, stdout, stderr } = await runFrame(encodeFrame('plan', body));
  t.deepEqual([status, stdout], [1, ''], Buffer.from(body).toString('hex'));
  t.regex(stderr, /^krun: E_PROTO: the supervisor /);
}

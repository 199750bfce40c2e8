import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { decodeRequest } from '../../runtime/channel/decode-request.ts';
import type { ErrorCode } from '../../runtime/errors/codes.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { encodeRequest, type RequestFields } from '../support/encode-request.ts';

const plain: RequestFields = { uid: 0, gid: 0, pid: 1, umask: 0o22, terminals: 0, cwd: '/', argv: ['krun'], environment: [] };

test('random bytes are a request or E_PROTO, and nothing else', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (body) => isRequestOrRefused(body)),
    { numRuns: 3000 },
  );
  t.pass();
});

test('a sound request with bytes changed, cut off or added is a request or E_PROTO or E_USAGE', (t) => {
  const sound = encodeRequest({ ...plain, argv: ['krun', 'run', 'bündle'], environment: ['A=b', 'C'], cwd: '/tmp' });
  const change = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(change, fc.nat(sound.length), fc.uint8Array({ maxLength: 8 }), (changes, length, more) => {
      const body = Uint8Array.from([...sound.subarray(0, length), ...more]);
      for (const [at, byte] of changes) if (at < body.length) body[at] = byte;
      return isRequestOrRefused(body);
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('every request that can be written reads the same', (t) => {
  const word = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => value.isWellFormed() && !value.includes('\0'));
  const u32 = fc.nat(0xffff_ffff);
  const request = fc.record({
    uid: u32,
    gid: u32,
    pid: u32,
    umask: fc.nat(0o777),
    terminals: fc.nat(7),
    cwd: word,
    argv: fc.array(word, { minLength: 1, maxLength: 8 }),
    environment: fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z_]{1,9}$/), word).map(([name, value]) => `${name}=${value}`)),
  });
  fc.assert(
    fc.property(request, (fields) => {
      const { caller, failure } = decodeRequest(encodeRequest(fields));
      t.is(failure, null);
      t.deepEqual(caller.argv, fields.argv.slice(1));
      t.deepEqual(
        [caller.uid, caller.gid, caller.pid, caller.umask, caller.cwd],
        [fields.uid, fields.gid, fields.pid, fields.umask, fields.cwd],
      );
      t.deepEqual(
        caller.terminals,
        [1, 2, 4].map((bit) => (fields.terminals & bit) !== 0),
      );
      for (const entry of fields.environment) t.true(caller.env.has(entry.slice(0, entry.indexOf('='))));
    }),
    { numRuns: 300 },
  );
});

test('a failure report reads as it was written', (t) => {
  const failure = { op: 'mount', index: 7, pointer: '/mounts/3', syscall: 'move_mount', errno: 40, path: '/a b', detail: 'type=x\ny=z' };
  t.deepEqual(decodeRequest(encodeRequest({ ...plain, failure })).failure, failure);
});

for (const length of [65_534, 65_535, 65_536, 65_537, 1024 * 1024, 2 * 1024 * 1024]) {
  test(`a field of ${length} bytes arrives whole`, (t) => {
    const long = 'x'.repeat(length);
    const { caller } = decodeRequest(encodeRequest({ ...plain, argv: ['krun', long], environment: [`LONG=${long}`], cwd: `/${long}` }));
    t.true(caller.argv[0] === long && caller.env.get('LONG') === long && caller.cwd === `/${long}`);
  });
}

test('__proto__, constructor and the like are names of variables as any other', (t) => {
  const environment = ['__proto__=polluted', 'constructor=x', 'toString=y', 'hasOwnProperty=z', '=odd', 'NOVALUE'];
  const { caller } = decodeRequest(encodeRequest({ ...plain, environment }));
  t.is(caller.env.get('__proto__'), 'polluted');
  t.is(caller.env.get('constructor'), 'x');
  t.is(caller.env.get('NOVALUE'), '');
  t.is(caller.env.size, 6);
  t.is(({} as Record<string, unknown>).polluted, undefined);
});

test('a NUL inside of a string, or none behind it, is E_PROTO', (t) => {
  refuses(t, encodeRequest({ ...plain, cwd: '/a\0b' }), 'E_PROTO');
  const body = encodeRequest({ ...plain, cwd: '/abc' });
  body[20 + 4 + 4] = 0x78; // behind the five numbers, the length and "/abc"
  refuses(t, body, 'E_PROTO');
});

test('lengths and counts that run past the end, or around 2^32, are E_PROTO', (t) => {
  for (const length of [5, 64, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, 0xffff_fffc, 0xffff_fffe, 0xffff_ffff]) {
    const body = encodeRequest(plain);
    new DataView(body.buffer).setUint32(20, length, true); // of cwd
    refuses(t, body, 'E_PROTO');
    const counted = encodeRequest(plain);
    new DataView(counted.buffer).setUint32(28, length, true); // of argv
    refuses(t, counted, 'E_PROTO');
  }
});

test('bytes after the last field are E_PROTO', (t) => {
  refuses(t, Uint8Array.from([...encodeRequest(plain), 0, 0, 0, 0]), 'E_PROTO');
});

test('an argument or working directory that is no UTF-8 is E_USAGE, a variable is taken as it can be', (t) => {
  const latin = Buffer.from('krün', 'latin1');
  refuses(t, encodeRequest({ ...plain, argv: ['krun', latin] }), 'E_USAGE');
  refuses(t, encodeRequest({ ...plain, cwd: latin }), 'E_USAGE');
  t.is(decodeRequest(encodeRequest({ ...plain, environment: [Buffer.from('L=krün', 'latin1')] })).caller.env.get('L'), 'kr\ufffdn');
});

function refuses(t: ExecutionContext, body: Uint8Array, code: ErrorCode): void {
  const error = t.throws(() => decodeRequest(body), { instanceOf: KrunError });
  t.is((error as KrunError | undefined)?.code, code);
}

function isRequestOrRefused(body: Uint8Array): boolean {
  try {
    return decodeRequest(body).caller.argv !== undefined;
  } catch (error) {
    return error instanceof KrunError && (error.code === 'E_PROTO' || error.code === 'E_USAGE');
  }
}
